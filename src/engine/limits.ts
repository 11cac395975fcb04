import { rankOf } from "../core/fairness.ts";
import {
  countLimit,
  insertHolders,
  insertWaiters,
  lockLimit,
  releaseLimit,
  removeHolders,
  takeWaiters,
  type WaiterRow,
} from "../store/limits.ts";
import type { ActionRow } from "../store/rows.ts";
import { optionsOf } from "./action-options.ts";
import type { Work } from "./work.ts";

interface Limit {
  readonly key: string;
  readonly max: number;
}

/** The limits an action is under: its own concurrency key and its run's. */
function limitsOf(work: Work, row: ActionRow): Limit[] {
  const run = work.run(row.run_id);
  const limits: Limit[] = [];
  const own = row.options === "{}" ? undefined : optionsOf(row).concurrency;
  const place = `${run.project}/${run.domain}`;
  if (own !== undefined) limits.push({ key: `limit:${place}/${own.key}`, max: own.limit });
  if (run.action_limit !== null) limits.push({ key: `limit:run/${run.id}`, max: run.action_limit });
  return limits;
}

/**
 * Takes the concurrency keys of the given actions, all or none for each action; gives those that may be queued. The
 * others wait, and a released key promotes them. Keys are locked in order, so two transactions never wait for each other.
 */
export async function acquireLimits(work: Work, rows: readonly ActionRow[]): Promise<readonly ActionRow[]> {
  const limited = rows
    .map((row) => ({ row, limits: limitsOf(work, row) }))
    .filter(({ limits }) => limits.length > 0);
  if (limited.length === 0) return rows;
  const maxima = new Map(
    limited.flatMap(({ limits }) => limits.map((limit) => [limit.key, limit.max] as const)),
  );
  const used = new Map<string, number>();
  for (const [key, max] of [...maxima].sort(([a], [b]) => (a < b ? -1 : 1)))
    used.set(key, await lockLimit(work.sql, key, max));
  const holders: { run_id: string; action_id: string; key: string }[] = [];
  const waiters: WaiterRow[] = [];
  for (const { row, limits } of limited) {
    const full = limits.find((limit) => (used.get(limit.key) ?? 0) >= limit.max);
    if (full === undefined) {
      for (const { key } of limits) {
        used.set(key, (used.get(key) ?? 0) + 1);
        holders.push({ run_id: row.run_id, action_id: row.id, key });
      }
    } else {
      waiters.push(waiter(work, row, full.key));
      work.move(row, "waiting");
    }
  }
  for (const [key, count] of used) await countLimit(work.sql, key, count, maxima.get(key) ?? 1);
  await insertHolders(work.sql, holders);
  await insertWaiters(work.sql, waiters);
  if (waiters.length > 0) {
    // Whoever had its turn for one key and now waits for another leaves the first one free, without ever releasing it.
    for (const [key, max] of maxima) await promote(work, key, max - (used.get(key) ?? 0));
  }
  const waiting = new Set(waiters.map(({ run_id, action_id }) => `${run_id}/${action_id}`));
  return rows.filter((row) => !waiting.has(`${row.run_id}/${row.id}`));
}

/** A place in the line for a key: by priority, then first come, first served. */
export function waiter(work: Work, row: ActionRow, key: string): WaiterRow {
  const rank = rankOf(optionsOf(row).priority ?? work.run(row.run_id).priority);
  return { key, rank, vtime: work.nowMs, run_id: row.run_id, action_id: row.id };
}

/** Gives back what actions hold when they settle, park or go back to the queue, and promotes who waits for it. */
export async function releaseLimits(work: Work, rows: readonly ActionRow[]): Promise<void> {
  const limited = rows.filter((row) => limitsOf(work, row).length > 0);
  if (limited.length === 0) return;
  const held = await removeHolders(
    work.sql,
    limited.map((row) => ({ run_id: row.run_id, action_id: row.id })),
  );
  const counts = new Map<string, number>();
  for (const { key } of held) counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const [key, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await promote(work, key, await releaseLimit(work.sql, key, count));
  }
}

/** Passes the turn on when a promoted action turned out to need it no more. */
export async function passOn(work: Work, row: ActionRow): Promise<void> {
  // Whether it was the turn for its cache entry or for a key is not known: one too many finds the entry taken.
  if (row.cache_key !== null && optionsOf(row).cache?.serialize === true)
    await promote(work, `cache:${row.cache_key}`, 1);
  for (const { key } of limitsOf(work, row)) await promote(work, key, await releaseLimit(work.sql, key, 0));
}

/**
 * Gives the first waiters their turn. They may belong to other runs, whose locks this transaction does not have, so
 * the turn is a timer that is due now: the tick locks their run and tries again.
 */
export async function promote(work: Work, key: string, count: number): Promise<void> {
  if (count <= 0) return;
  for (const next of await takeWaiters(work.sql, key, count)) {
    const action = { run_id: next.run_id, id: next.action_id };
    work.remind(action, { kind: "promote", due_ms: work.nowMs, attempt: 0 });
  }
}
