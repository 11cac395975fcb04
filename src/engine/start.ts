import type { RunCacheMode } from "../core/cache.ts";
import type { CallOptions } from "../core/call.ts";
import { GodwitError } from "../core/errors.ts";
import { ROOT_ACTION } from "../core/identity.ts";
import type { SuspendMode } from "../core/protocol.ts";
import { findRefs, type ValueRef } from "../core/value-ref.ts";
import { insertActions, readInputs } from "../store/actions.ts";
import { readTask } from "../store/deployments.ts";
import type { RunRow } from "../store/rows.ts";
import { insertRun, readRuns } from "../store/runs.ts";
import { callCacheKey, lookUp, mayCompute } from "./cache.ts";
import { reuse } from "./call.ts";
import type { EngineCore } from "./core.ts";
import { startDeadline } from "./deadline.ts";
import { newAction } from "./new-action.ts";
import { enqueue } from "./queue.ts";
import { settle } from "./settle.ts";
import type { Work } from "./work.ts";

/** Version of what the SDK does on a replay; stored on a run so that an upgraded SDK replays it as it was. */
export const SDK_BEHAVIOUR_VERSION = 1;

export interface StartRun {
  /** Id of the run; default: a new one. Starting the same id again finds the run that is there. */
  readonly id?: string;
  readonly task: string;
  /** Encoded input. */
  readonly input: string;
  /** Files and folders in the input, when it is a reference itself; else they are found in it. */
  readonly refs?: readonly ValueRef[];
  readonly deployment: string;
  readonly pool: string;
  readonly project?: string;
  readonly domain?: string;
  /** Options of the root action. */
  readonly options?: CallOptions;
  readonly labels?: Readonly<Record<string, string>>;
  readonly context?: Readonly<Record<string, string>>;
  readonly priority?: number;
  /** Share of a pool relative to other runs; default 1. */
  readonly weight?: number;
  /** At most this many actions of the run execute at once; parked parents do not count. */
  readonly actionLimit?: number;
  readonly cacheMode?: RunCacheMode;
  readonly suspendMode?: SuspendMode;
  readonly strict?: boolean;
  readonly createdBy?: string;
  readonly origin?: RunOrigin;
}

/** The older run this one comes from, and what it reuses of it. */
export interface RunOrigin {
  readonly run: string;
  /** `rerun` reuses nothing; `recover` every success; `fork` the same under new code. */
  readonly kind: "rerun" | "recover" | "fork";
  /** Action ids or task names that are executed again all the same. */
  readonly force?: readonly string[];
  /** Execute again whatever has a different code hash now. */
  readonly changedOnly?: boolean;
}

/** Starts a run: run, root action and queue row become durable together. Gives the run's id. */
export async function startRun(core: EngineCore, start: StartRun): Promise<string> {
  if (start.weight !== undefined && !(start.weight > 0)) {
    throw new GodwitError("OPTION_INVALID", `weight must be greater than 0, not ${start.weight}`);
  }
  const id = start.id ?? `r${core.random.id()}`;
  await core.work([], async (work) => {
    const old = start.origin === undefined ? undefined : (await readRuns(work.sql, [start.origin.run]))[0];
    if (start.origin !== undefined && old === undefined) throw runNotFound(start.origin.run);
    const run = newRun(work, id, start, old);
    if (old !== undefined && old.project !== run.project) throw otherProject(old, run);
    // Taken: whoever asked before (or the request that this one repeats) has started it.
    if (!(await insertRun(work.sql, run))) return;
    work.addRun(run);
    await addRoot(work, run, start);
  });
  return id;
}

export function runNotFound(id: string): GodwitError {
  return new GodwitError("RUN_NOT_FOUND", `no run "${id}"`);
}

/** What a run has found out belongs to its project: another one reuses nothing of it. */
function otherProject(old: RunRow, run: RunRow): GodwitError {
  const message = `the run "${old.id}" is of the project "${old.project}", not of "${run.project}"`;
  return new GodwitError("INVALID_REQUEST", message, { hint: "Start it in the project of the older run." });
}

function newRun(work: Work, id: string, start: StartRun, old: RunRow | undefined): RunRow {
  const origin = start.origin;
  // A recovered run keeps seed and start time: code that asks for them makes the same calls again.
  const isContinued = old !== undefined && origin !== undefined && origin.kind !== "rerun";
  return {
    id,
    project: start.project ?? "default",
    domain: start.domain ?? "development",
    task: start.task,
    deployment: start.deployment,
    pool: start.pool,
    phase: "queued",
    created_ms: work.nowMs,
    started_ms: null,
    ended_ms: null,
    created_by: start.createdBy ?? null,
    labels: JSON.stringify(start.labels ?? {}),
    context: JSON.stringify(start.context ?? {}),
    seed: isContinued ? old.seed : id,
    epoch_ms: isContinued ? old.epoch_ms : work.nowMs,
    sdk_version: SDK_BEHAVIOUR_VERSION,
    suspend_mode: start.suspendMode ?? "auto",
    strict: start.strict === true ? 1 : 0,
    cache_mode: start.cacheMode ?? "use",
    priority: start.priority ?? 0,
    weight: start.weight ?? 1,
    action_limit: start.actionLimit ?? null,
    origin_run: origin?.run ?? null,
    origin_kind: origin?.kind ?? null,
    force: origin?.force === undefined ? null : JSON.stringify(origin.force),
    changed_only: origin?.changedOnly === true ? 1 : 0,
    error: null,
    event_seq: 0,
    actions: 1,
    divergences: 0,
  };
}

async function addRoot(work: Work, run: RunRow, start: StartRun): Promise<void> {
  const options = start.options ?? {};
  const codeHash = (await readTask(work.sql, run.deployment, run.task))?.code_hash ?? null;
  const key = callCacheKey(run, { task: run.task, input: start.input, options, codeHash });
  const root = newAction({
    run_id: run.id,
    id: ROOT_ACTION,
    parent_id: null,
    kind: "task",
    task: run.task,
    input: start.input,
    options: JSON.stringify(options),
    pool: run.pool,
    ordinal: 1,
    created_ms: work.nowMs,
    code_hash: codeHash,
    cache_key: key,
    epoch_ms: run.epoch_ms,
    deployment: null,
  });
  await insertActions(work.sql, [root]);
  const row = work.adopt(root);
  work.connect(row, "in", start.refs ?? findRefs(start.input));
  work.emit(run.id, { action: "", phase: "queued", attempt: 0 });
  startDeadline(work, row, options);
  const hit = key === null ? undefined : (await lookUp(work, run, [key])).get(key);
  if (hit !== undefined) await settle(work, [reuse(work, row, "succeeded", hit.result)]);
  else if (await mayCompute(work, row)) await enqueue(work, [row]);
}

/** Input of an action, for a rerun with the old input. */
export async function readInput(core: EngineCore, run: string, action: string): Promise<string | undefined> {
  const rows = await core.driver.read((sql) => readInputs(sql, [{ run_id: run, action_id: action }]));
  return rows[0]?.input;
}
