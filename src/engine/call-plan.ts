import type { CallOptions } from "../core/call.ts";
import { mergeOptions } from "../core/call-options.ts";
import { isSuccess } from "../core/phase.ts";
import type { CallReport } from "../core/protocol.ts";
import { type NewAction, type OutcomeRow, readOutcomes } from "../store/actions.ts";
import type { CacheRow } from "../store/cache.ts";
import { readCodeHashes } from "../store/deployments.ts";
import type { LeasedAction } from "../store/leases.ts";
import { keyOf, type RunRow } from "../store/rows.ts";
import { readRuns } from "../store/runs.ts";
import { callCacheKey, lookUp } from "./cache.ts";
import { newAction } from "./new-action.ts";
import { type Target, targetsOf } from "./target.ts";
import type { Work } from "./work.ts";

/** A call of a parent whose lease is current. */
export interface ParentCall {
  readonly parent: LeasedAction;
  readonly call: CallReport;
}

/** What the picture says about a call before it is inserted. */
export interface PlannedCall extends ParentCall {
  readonly row: NewAction;
  readonly options: CallOptions;
  readonly target: Target;
  readonly recovered: OutcomeRow | undefined;
  readonly cached: CacheRow | undefined;
}

/** Looks up everything that decides what becomes of new calls: older runs, the cache, code hashes. */
export async function planCalls(work: Work, given: readonly ParentCall[]): Promise<PlannedCall[]> {
  const calls = unique(given);
  const targets = await targetsOf(work, calls);
  const aimed = calls.map((item, i): AimedCall => aim(work, item, targets[i] ?? { kind: "here" }));
  const hashes = await codeHashes(work, aimed);
  const rows = aimed.map((item) => {
    const { call, options, target, deployment } = item;
    const codeHash = hashes.get(`${deployment} ${call.task}`) ?? null;
    const key =
      call.kind === "task" && target.kind !== "missing"
        ? callCacheKey(work.run(item.parent.run_id), {
            task: call.task,
            input: call.input,
            options,
            codeHash,
          })
        : null;
    return { ...item, row: newRow(work, item, { codeHash, key }) };
  });
  const recovered = await recoverable(
    work,
    rows.map(({ row }) => row),
  );
  const cached = new Map<RunRow, Map<string, CacheRow>>();
  for (const run of new Set(rows.map(({ row }) => work.run(row.run_id)))) {
    const keys = rows.flatMap(({ row }) =>
      row.run_id === run.id && row.cache_key !== null ? [row.cache_key] : [],
    );
    cached.set(run, await lookUp(work, run, keys));
  }
  return rows.map((item) => {
    const old = recovered.get(keyOf(item.row.run_id, item.row.id));
    // A recovered run keeps the times its actions were first called at, so that `now` gives the same again.
    if (old !== undefined) item.row.epoch_ms = old.epoch_ms;
    const isReused = old !== undefined && isReusable(work.run(item.row.run_id), item.row, old);
    const hit = cached.get(work.run(item.row.run_id))?.get(item.row.cache_key ?? "");
    const planned: PlannedCall = { ...item, recovered: isReused ? old : undefined, cached: hit };
    setFirstPhase(work, planned);
    return planned;
  });
}

/** A call, and where it goes. */
interface AimedCall extends ParentCall {
  readonly options: CallOptions;
  readonly target: Target;
  readonly deployment: string;
}

/** A task that is called without its code has the options it was deployed with, and what the call changes of them. */
function aim(work: Work, item: ParentCall, target: Target): AimedCall {
  const { parent, call } = item;
  const given = call.options ?? {};
  const deployed = target.kind === "missing" ? undefined : target.options;
  const options = deployed === undefined ? given : mergeOptions([deployed, given]);
  const own = parent.deployment ?? work.run(parent.run_id).deployment;
  return { ...item, options, target, deployment: target.kind === "there" ? target.deployment : own };
}

function unique(calls: readonly ParentCall[]): ParentCall[] {
  return [...new Map(calls.map((item) => [keyOf(item.parent.run_id, item.call.id), item])).values()];
}

/** Writes a row as it will be, where that is certain before it is placed: inserting it and moving it costs twice. */
function setFirstPhase(work: Work, planned: PlannedCall): void {
  const { row, call, options, target } = planned;
  if (planned.recovered !== undefined || planned.cached !== undefined || call.kind !== "task") return;
  if (target.kind === "missing") return;
  if (canClaim(work, planned)) {
    row.phase = "running";
    row.attempt = 1;
    row.started_ms = work.nowMs;
  } else if (
    row.cache_key === null &&
    options.concurrency === undefined &&
    work.run(row.run_id).action_limit === null
  ) {
    row.phase = "queued";
    row.queued_ms = work.nowMs;
  }
}

/** A child may be started by its own parent's runner when nothing has to be asked first. */
export function canClaim(work: Work, { call, options, row, target }: PlannedCall): boolean {
  return (
    call.claim !== undefined &&
    target.kind === "here" &&
    row.cache_key === null &&
    options.concurrency === undefined &&
    work.run(row.run_id).action_limit === null
  );
}

/** Only fork and cache "auto" look at code; other runs do not pay for the lookup. */
async function codeHashes(work: Work, calls: readonly AimedCall[]): Promise<Map<string, string>> {
  const needed = calls.filter(
    ({ parent, options }) => options.cache?.mode === "auto" || work.run(parent.run_id).origin_kind !== null,
  );
  const keys = needed.map(({ deployment, call }) => ({ deployment, name: call.task }));
  if (keys.length === 0) return new Map();
  return readCodeHashes(work.sql, keys);
}

function newRow(
  work: Work,
  { parent, call, options, target, deployment }: AimedCall,
  of: { codeHash: string | null; key: string | null },
): NewAction {
  const run = work.run(parent.run_id);
  run.actions += 1;
  work.changeRun(run);
  return newAction({
    run_id: run.id,
    id: call.id,
    parent_id: parent.id,
    kind: call.kind,
    task: call.task,
    input: call.input,
    options: call.options === undefined ? "{}" : JSON.stringify(options),
    // A pool is named after the deployment it serves.
    pool: target.kind === "there" ? deployment : parent.pool,
    ordinal: run.actions,
    created_ms: work.nowMs,
    map_id: options.map ?? null,
    tolerated: options.tolerated === true ? 1 : 0,
    group_name: options.group ?? null,
    code_hash: of.codeHash,
    cache_key: of.key,
    epoch_ms: call.epochMs ?? work.nowMs,
    deployment: deployment === run.deployment ? null : deployment,
  });
}

/** What the run being recovered (or forked) recorded under the same ids. */
async function recoverable(work: Work, rows: readonly NewAction[]): Promise<Map<string, OutcomeRow>> {
  const found = new Map<string, OutcomeRow>();
  for (const run of new Set(rows.map((row) => work.run(row.run_id)))) {
    if (run.origin_run === null || run.origin_kind === "rerun") continue;
    const origin = run.origin_run;
    const own = rows.filter((row) => row.run_id === run.id);
    const keys = own.map((row) => ({ run_id: origin, action_id: row.id }));
    const outcomes = await readOutcomes(work.sql, keys);
    const hashes =
      run.changed_only === 1 ? await originHashes(work, origin, own, outcomes) : new Map<string, string>();
    for (const old of outcomes) {
      const code_hash = old.code_hash ?? hashes.get(old.id) ?? null;
      found.set(keyOf(run.id, old.id), { ...old, code_hash });
    }
  }
  return found;
}

/** Code hashes by action: a run that compares no code stores none with its actions, but its deployment has them. */
async function originHashes(
  work: Work,
  origin: string,
  rows: readonly NewAction[],
  outcomes: readonly OutcomeRow[],
): Promise<Map<string, string>> {
  const whole = (await readRuns(work.sql, [origin]))[0]?.deployment ?? "";
  const own = new Map(outcomes.map(({ id, deployment }) => [id, deployment ?? whole]));
  const keys = rows.map(({ id, task: name }) => ({ deployment: own.get(id) ?? whole, name }));
  const hashes = await readCodeHashes(work.sql, keys);
  return new Map(
    rows.flatMap(({ id, task }) => {
      const hash = hashes.get(`${own.get(id) ?? whole} ${task}`);
      return hash === undefined ? [] : [[id, hash] as const];
    }),
  );
}

function isReusable(run: RunRow, row: NewAction, old: OutcomeRow): boolean {
  if (!isSuccess(old.phase as "succeeded")) return false;
  const forced = run.force === null ? [] : (JSON.parse(run.force) as string[]);
  if (forced.includes(row.id) || forced.includes(row.task)) return false;
  return run.changed_only === 0 || row.kind !== "task" || old.code_hash === row.code_hash;
}
