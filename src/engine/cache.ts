import { type CacheOptions, cacheInputHash, cacheKey } from "../core/cache.ts";
import type { CallOptions } from "../core/call.ts";
import { isStored } from "../core/value/stored.ts";
import { findRefs } from "../core/value-ref.ts";
import { type CacheRow, claimFill, endFill, readCache, writeCache } from "../store/cache.ts";
import { insertWaiters } from "../store/limits.ts";
import type { ActionRow, RunRow } from "../store/rows.ts";
import { optionsOf } from "./action-options.ts";
import { promote, waiter } from "./limits.ts";
import type { Settlement } from "./settle.ts";
import type { Work } from "./work.ts";

const ALL_WAITERS = 1_000_000;

/** Cache key of a call in its run, or null when it must not be cached. */
export function callCacheKey(
  run: RunRow,
  call: { task: string; input: string; options: CallOptions; codeHash: string | null },
): string | null {
  const options: CacheOptions | undefined = call.options.cache;
  if (options === undefined || options.mode === "disable" || run.cache_mode === "disable") return null;
  const inputHash = cacheInputHash(call.input, options.ignoredInputs);
  if (inputHash === null) return null;
  const { task, codeHash } = call;
  return cacheKey({ options, task, inputHash, codeHash, project: run.project, domain: run.domain });
}

/** Entries for the given keys that this run may use. */
export async function lookUp(
  work: Work,
  run: RunRow,
  keys: readonly string[],
): Promise<Map<string, CacheRow>> {
  if (keys.length === 0 || run.cache_mode === "overwrite") return new Map();
  const rows = await readCache(work.sql, keys);
  return new Map(rows.filter((row) => isReadableIn(run.project, row)).map((row) => [row.key, row]));
}

/**
 * Whether runs of a project can read a result. One that is shared by all projects may lie in the blobs of another, or
 * name files there, and no run reads those of a project that is not its own.
 */
function isReadableIn(project: string, { project: from, result }: CacheRow): boolean {
  return project === from || (!isStored(result) && findRefs(result).length === 0);
}

/**
 * With `serialize`, one action computes a missing entry and the others wait for it. Gives true when `row` may
 * execute; otherwise it is in the line and `waiting`.
 */
export async function mayCompute(work: Work, row: ActionRow): Promise<boolean> {
  if (row.cache_key === null || optionsOf(row).cache?.serialize !== true) return true;
  const holder = await claimFill(work.sql, { key: row.cache_key, run_id: row.run_id, action_id: row.id });
  if (holder === undefined || (holder.run_id === row.run_id && holder.action_id === row.id)) return true;
  await insertWaiters(work.sql, [waiter(work, row, `cache:${row.cache_key}`)]);
  work.move(row, "waiting");
  return false;
}

/** Stores what cached actions computed; a filler that ended, well or not, lets the waiters go on. */
export async function fillCache(work: Work, settlements: readonly Settlement[]): Promise<void> {
  const cached = settlements.filter(({ row }) => row.cache_key !== null);
  if (cached.length === 0) return;
  const rows = cached.flatMap(({ row, end }): CacheRow[] => {
    // An attempt of 0: the result came out of the cache or an older run and is not new.
    if (end.phase !== "succeeded" || row.attempt === 0) return [];
    const { project, domain } = work.run(row.run_id);
    const key = row.cache_key ?? "";
    return [
      {
        key,
        project,
        domain,
        task: row.task,
        run_id: row.run_id,
        action_id: row.id,
        result: end.value,
        created_ms: work.nowMs,
      },
    ];
  });
  await writeCache(work.sql, rows);
  for (const { row, end } of cached) {
    if (optionsOf(row).cache?.serialize !== true) continue;
    const key = row.cache_key ?? "";
    if (!(await endFill(work.sql, { key, run_id: row.run_id, action_id: row.id }))) continue;
    await promote(work, `cache:${key}`, end.phase === "succeeded" ? ALL_WAITERS : 1);
  }
}
