import { GodwitError } from "../core/errors.ts";
import type { ExchangeRequest, OutcomeReport, Refusal, SuspendReport } from "../core/protocol.ts";
import { saveCheckpoint } from "../store/checkpoints.ts";
import type { DivergenceRow } from "../store/divergences.ts";
import { type LeasedAction, parseToken, readLeasedTo } from "../store/leases.ts";
import { appendLogs } from "../store/logs.ts";
import type { ActionRow } from "../store/rows.ts";
import { addCalls } from "./call.ts";
import type { ParentCall } from "./call-plan.ts";
import { type FailedLease, failAttempts } from "./failure.ts";
import { topics } from "./hub.ts";
import { releaseLimits } from "./limits.ts";
import { enqueue } from "./queue.ts";
import { abortion, type Settlement, settle } from "./settle.ts";
import type { Work } from "./work.ts";

/** Every lease token a request speaks of, except new claims. */
function tokensOf(request: ExchangeRequest): Set<string> {
  const tokens = new Set<string>();
  const parts = [
    request.calls,
    request.outcomes,
    request.suspensions,
    request.checkpoints,
    request.aborts,
    request.logs,
    request.divergences,
  ];
  for (const part of parts) for (const { lease } of part ?? []) tokens.add(lease);
  for (const lease of request.releases ?? []) tokens.add(lease);
  return tokens;
}

/** True when a request changes anything by itself (as opposed to asking for leases and news). */
export function hasContent(request: ExchangeRequest): boolean {
  return tokensOf(request).size > 0;
}

/** Runs that a request touches: they are locked first, all together. */
export function runsOf(request: ExchangeRequest): string[] {
  return [...tokensOf(request)].flatMap((token) => parseToken(token)?.run ?? []);
}

/** Applies what a runner reports. Everything that does not come with a current lease is refused and changes nothing. */
export async function applyReport(work: Work, request: ExchangeRequest): Promise<Refusal[]> {
  const tokens = tokensOf(request);
  const own = await readLeasedTo(work.sql, request.runner.id, [...tokens]);
  const leased = new Map(own.map((row) => [row.token, row]));
  for (const row of leased.values()) work.adopt(row);
  const refusals: Refusal[] = [];
  refusals.push(...(await applyCalls(work, request, leased)));
  // After the calls: a child that the runner started itself may have logged, and ended, before it was first reported.
  await keepNotes(work, request, leased);
  await applyOutcomes(work, request.outcomes ?? [], leased);
  await applyAborts(work, request, leased);
  refusals.push(...(await applySuspensions(work, request.suspensions ?? [], leased)));
  await applyReleases(work, request.releases ?? [], leased);
  const claims = new Set((request.calls ?? []).map((call) => call.claim));
  for (const token of tokens)
    if (!leased.has(token) && !claims.has(token)) refusals.push({ kind: "stale", lease: token });
  return refusals;
}

async function applyCalls(
  work: Work,
  request: ExchangeRequest,
  leased: Map<string, LeasedAction>,
): Promise<Refusal[]> {
  const traced = new Set((request.outcomes ?? []).map((outcome) => `${outcome.lease} ${outcome.trace}`));
  for (const call of request.calls ?? []) {
    if (call.kind === "trace" && !traced.has(`${call.lease} ${call.id}`)) {
      throw new GodwitError("INVALID_REQUEST", `trace ${call.id} was reported without its outcome`);
    }
  }
  const refusals: Refusal[] = [];
  // A child that the runner started itself may have made calls of its own already: generation by generation, since
  // its lease is there only when its call is.
  for (let left = request.calls ?? []; left.length > 0; ) {
    const known = left.filter(({ lease }) => leased.has(lease));
    if (known.length === 0) break;
    const calls = known.map((call): ParentCall => {
      return { parent: work.adopt(leased.get(call.lease) as LeasedAction) as LeasedAction, call };
    });
    refusals.push(...(await addCalls(work, calls)));
    adoptClaims(work, leased);
    const done = new Set(known);
    left = left.filter((call) => !done.has(call));
  }
  return refusals;
}

/** A claimed child may have gone on before its call was even reported: its lease is in the picture, not in the store. */
function adoptClaims(work: Work, leased: Map<string, LeasedAction>): void {
  for (const lease of work.leases) {
    const row = work.action(lease.run_id, lease.action_id);
    if (row === undefined || row.phase !== "running") continue;
    const { token, runner_id, granted_ms, must_end_ms } = lease;
    leased.set(token, Object.assign(row, { token, runner_id, granted_ms, must_end_ms }));
  }
}

async function applyOutcomes(
  work: Work,
  outcomes: readonly OutcomeReport[],
  leased: Map<string, LeasedAction>,
): Promise<void> {
  const settlements: Settlement[] = [];
  const failures: FailedLease[] = [];
  for (const report of outcomes) {
    const holder = leased.get(report.lease);
    const row = holder === undefined ? undefined : targetOf(work, holder, report);
    if (row === undefined || holder === undefined) continue;
    const { outcome, startedMs, endedMs } = report;
    if (outcome.ok) {
      work.connect(row, "out", report.refs);
      settlements.push({ row, end: { phase: "succeeded", value: outcome.value }, startedMs, endedMs });
    } else if (report.trace !== undefined) {
      const error = {
        ...outcome.error,
        task: outcome.error.task ?? row.task,
        action: outcome.error.action ?? row.id,
      };
      settlements.push({ row, end: { phase: "failed", error }, startedMs, endedMs });
    } else failures.push({ row, runnerId: holder.runner_id, error: outcome.error, startedMs, endedMs });
  }
  await settle(work, settlements);
  await failAttempts(work, failures);
}

/** The action an outcome is about: the leased one, or a trace that was added in this very request. */
function targetOf(work: Work, holder: LeasedAction, report: OutcomeReport): ActionRow | undefined {
  const row = report.trace === undefined ? work.adopt(holder) : work.action(holder.run_id, report.trace);
  return row !== undefined && row.phase === "running" ? row : undefined;
}

async function applyAborts(
  work: Work,
  request: ExchangeRequest,
  leased: Map<string, LeasedAction>,
): Promise<void> {
  for (const abort of request.aborts ?? []) {
    const parent = leased.get(abort.lease);
    if (parent === undefined) continue;
    await work.load([{ run_id: parent.run_id, action_id: abort.action }]);
    const row = work.action(parent.run_id, abort.action);
    if (row?.parent_id === parent.id) await settle(work, [abortion(work, row, abort.reason)]);
  }
}

async function applySuspensions(
  work: Work,
  suspensions: readonly SuspendReport[],
  leased: Map<string, LeasedAction>,
): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  const parked: ActionRow[] = [];
  for (const report of suspensions) {
    const holder = leased.get(report.lease);
    const row = holder === undefined ? undefined : work.adopt(holder);
    if (row === undefined || row.phase !== "running") continue;
    // Under the run's lock: either the session has seen every result, or it stays and is told the rest. A parent that
    // waits for nothing could never be woken.
    if (row.settled !== report.seq || row.children === row.settled) {
      refusals.push({ kind: "suspension", lease: report.lease });
      continue;
    }
    noteDroppedCalls(work, row, report);
    row.waits = JSON.stringify(report.waits);
    row.parked_seq = report.seq;
    work.move(row, "suspended");
    work.unlease(row);
    parked.push(row);
  }
  await releaseLimits(work, parked);
  return refusals;
}

/** A replay that parks with fewer calls than were recorded has left the recorded path. */
function noteDroppedCalls(work: Work, row: ActionRow, report: SuspendReport): void {
  if (report.issued >= row.children) return;
  const detail = `${row.task} issued ${row.children} calls before and ${report.issued} now`;
  noteDivergence(work, row, { kind: "missing_call", call_id: "", task: row.task, detail });
}

function noteDivergence(
  work: Work,
  row: ActionRow,
  what: Pick<DivergenceRow, "kind" | "call_id" | "task" | "detail">,
): void {
  const run = work.run(row.run_id);
  run.divergences += 1;
  work.changeRun(run);
  const { run_id, id: action_id } = row;
  work.divergences.push({ run_id, nth: run.divergences, action_id, ...what, at_ms: work.nowMs });
}

/** Handed back undone, for example by a runner that shuts down: queued again, no budget is used. */
async function applyReleases(
  work: Work,
  releases: readonly string[],
  leased: Map<string, LeasedAction>,
): Promise<void> {
  const rows = releases.flatMap((token) => {
    const holder = leased.get(token);
    const row = holder === undefined ? undefined : work.adopt(holder);
    return row?.phase === "running" ? [row] : [];
  });
  for (const row of rows) work.unlease(row);
  await releaseLimits(work, rows);
  await enqueue(work, rows);
}

async function keepNotes(
  work: Work,
  request: ExchangeRequest,
  leased: Map<string, LeasedAction>,
): Promise<void> {
  for (const { lease, value, seq } of request.checkpoints ?? []) {
    const row = leased.get(lease);
    if (row !== undefined) {
      const { run_id: runId, id: actionId, attempt } = row;
      await saveCheckpoint(work.sql, { runId, actionId, attempt }, { value, seq });
    }
  }
  for (const { lease, lines } of request.logs ?? []) {
    const row = leased.get(lease);
    if (row !== undefined)
      await appendLogs(work.sql, { runId: row.run_id, actionId: row.id, attempt: row.attempt, lines });
    if (row !== undefined) work.notices.add(topics.logs(row.run_id));
  }
  for (const { lease, kind, action, task, detail } of request.divergences ?? []) {
    const row = leased.get(lease);
    if (row !== undefined) noteDivergence(work, row, { kind, call_id: action, task, detail });
  }
}
