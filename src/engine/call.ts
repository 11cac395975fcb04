import type { CallOptions } from "../core/call.ts";
import { toErrorRecord } from "../core/outcome.ts";
import type { Refusal } from "../core/protocol.ts";
import { insertActions, writeOrdinals } from "../store/actions.ts";
import { insertCondition } from "../store/conditions.ts";
import { type LeasedAction, readHolders } from "../store/leases.ts";
import type { ActionRow } from "../store/rows.ts";
import { mayCompute } from "./cache.ts";
import { canClaim, type ParentCall, type PlannedCall, planCalls } from "./call-plan.ts";
import { startDeadline } from "./deadline.ts";
import { TIME_LIMIT_GRACE_MS } from "./grant.ts";
import { enqueue } from "./queue.ts";
import { type Settlement, settle } from "./settle.ts";
import type { Work } from "./work.ts";

/**
 * Adds the calls that are new; a call that exists is left alone, whoever sends it again. A new call settles at once
 * when an older run or the cache has its result; else a task is queued (or runs where it was claimed), a sleep gets
 * its timer, a condition waits, and a trace is settled by the outcome that came with it.
 *
 * @returns what the runner must know: claims that were not granted, and calls a replay should not have made
 */
export async function addCalls(work: Work, calls: readonly ParentCall[]): Promise<Refusal[]> {
  if (calls.length === 0) return [];
  const planned = await planCalls(work, calls);
  const isNew = await insertActions(
    work.sql,
    planned.map(({ row }) => row),
  );
  const added = planned.filter((_, i) => isNew[i] === true);
  if (added.length < planned.length) await closeGaps(work, planned, new Set(added));
  for (const item of added) count(work, item);
  await place(work, added);
  const refusals: Refusal[] = added
    .filter(({ call }) => call.replaying === true)
    .map(({ call }) => ({ kind: "new_call", lease: call.lease, id: call.id }));
  return [...refusals, ...(await refusedClaims(work, planned, new Set(added)))];
}

/**
 * Takes back the ordinals of calls that exist already. Looking for them before inserting would cost every call a read,
 * and only a replay or a repeated request sends one again.
 */
async function closeGaps(
  work: Work,
  planned: readonly PlannedCall[],
  added: ReadonlySet<PlannedCall>,
): Promise<void> {
  for (const { row } of planned) work.run(row.run_id).actions -= 1;
  for (const { row } of added) {
    const run = work.run(row.run_id);
    run.actions += 1;
    row.ordinal = run.actions;
  }
  await writeOrdinals(
    work.sql,
    [...added].map(({ row }) => row),
  );
}

function count(work: Work, { row, call }: PlannedCall): void {
  const action = work.adopt(row);
  work.connect(action, "in", call.refs);
  const parent = action.parent_id === null ? undefined : work.action(action.run_id, action.parent_id);
  if (parent === undefined) return;
  parent.children += 1;
  work.counted.add(parent);
}

async function place(work: Work, added: readonly PlannedCall[]): Promise<void> {
  const settlements: Settlement[] = [];
  const tasks: ActionRow[] = [];
  for (const item of added) {
    const { row, call, options, parent } = item;
    startDeadline(work, row, options);
    if (item.recovered !== undefined) {
      // At the time it ended at first: whoever asks for `now` after it makes the same calls again.
      const endedMs = item.recovered.ended_ms ?? work.nowMs;
      settlements.push({ ...reuse(work, row, "recovered", item.recovered.result ?? ""), endedMs });
    } else if (item.target.kind === "missing") {
      const error = toErrorRecord(item.target.error, { task: row.task, action: row.id });
      settlements.push({ row, end: { phase: "failed", error }, startedMs: null, endedMs: work.nowMs });
    } else if (item.cached !== undefined) settlements.push(reuse(work, row, "succeeded", item.cached.result));
    else if (call.kind === "sleep") startSleep(work, row, options.sleepMs ?? 0);
    else if (call.kind === "condition") await startCondition(work, row, options);
    else if (call.kind === "trace") row.phase = "running";
    else if (canClaim(work, item)) claim(work, row, parent, call.claim ?? "");
    else if (await mayCompute(work, row)) tasks.push(row);
  }
  await settle(work, settlements);
  await enqueue(work, tasks);
}

/** A settlement with a value that was computed before; attempt stays 0. */
export function reuse(
  work: Work,
  row: ActionRow,
  phase: "succeeded" | "recovered",
  value: string,
): Settlement {
  return { row, end: { phase, value }, startedMs: null, endedMs: work.nowMs };
}

function startSleep(work: Work, row: ActionRow, sleepMs: number): void {
  work.remind(row, { kind: "sleep", due_ms: work.nowMs + sleepMs, attempt: 0 });
  work.move(row, "waiting");
}

async function startCondition(work: Work, row: ActionRow, options: CallOptions): Promise<void> {
  const condition = options.condition;
  const dueMs = condition?.timeoutMs == null ? null : work.nowMs + condition.timeoutMs;
  if (dueMs !== null) work.remind(row, { kind: "condition", due_ms: dueMs, attempt: 0 });
  await insertCondition(work.sql, {
    run_id: row.run_id,
    action_id: row.id,
    name: condition?.name ?? row.task,
    prompt: condition?.prompt ?? null,
    schema_json:
      condition?.schema === undefined || condition.schema === null ? null : JSON.stringify(condition.schema),
    created_ms: work.nowMs,
    due_ms: dueMs,
  });
  work.move(row, "paused");
}

function claim(work: Work, row: ActionRow, parent: LeasedAction, token: string): void {
  const attemptMs =
    row.options === "{}" ? undefined : (JSON.parse(row.options) as CallOptions).limits?.attemptMs;
  const mustEndMs = attemptMs === undefined ? null : work.nowMs + attemptMs;
  work.grant({
    run_id: row.run_id,
    action_id: row.id,
    token,
    runner_id: parent.runner_id,
    grant_id: "claim",
    attempt: 1,
    granted_ms: work.nowMs,
    must_end_ms: mustEndMs,
  });
  // The runner ends it by itself; this covers one whose event loop is blocked.
  if (mustEndMs !== null) {
    const due_ms = mustEndMs + TIME_LIMIT_GRACE_MS;
    work.remind(row, { kind: "attempt_limit", due_ms, attempt: 1 });
  }
  work.emit(row.run_id, { action: row.id, phase: row.phase, attempt: row.attempt });
}

/** Claims on calls that existed, unless this very claim was granted when the request came the first time. */
async function refusedClaims(
  work: Work,
  planned: readonly PlannedCall[],
  added: ReadonlySet<PlannedCall>,
): Promise<Refusal[]> {
  const claims = planned.filter(({ call }) => call.claim !== undefined);
  const doubtful = claims.filter((item) => !added.has(item));
  const refused = claims.filter((item) => added.has(item) && item.row.phase !== "running");
  const holders = await readHolders(
    work.sql,
    doubtful.map(({ row }) => ({ run_id: row.run_id, action_id: row.id })),
  );
  const tokens = new Set(holders.map((holder) => holder.token));
  return [...refused, ...doubtful.filter(({ call }) => !tokens.has(call.claim ?? ""))].map(({ call }) => ({
    kind: "claim",
    lease: call.lease,
    id: call.id,
  }));
}
