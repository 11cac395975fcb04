import type { EventError } from "../core/event.ts";
import type { ErrorRecord } from "../core/outcome.ts";
import { type SettledCall, type Waits, wakeAfter } from "../core/park.ts";
import { canMove, isSuccess, isTerminal, type TerminalPhase } from "../core/phase.ts";
import { readActiveActions } from "../store/actions.ts";
import { readHolders } from "../store/leases.ts";
import { type ActionRow, keyOf } from "../store/rows.ts";
import { fillCache } from "./cache.ts";
import { releaseLimits } from "./limits.ts";
import { enqueue } from "./queue.ts";
import type { Work } from "./work.ts";

/** How an action ends. */
export interface Settlement {
  readonly row: ActionRow;
  readonly end:
    | { readonly phase: "succeeded" | "recovered"; readonly value: string }
    | { readonly phase: "failed" | "aborted" | "timed_out"; readonly error: ErrorRecord };
  readonly startedMs: number | null;
  readonly endedMs: number;
  /** Set when the engine ends it over its runner's head: the runner is told why. */
  readonly evicted?: "aborted" | "deadline" | "time_limit";
}

/**
 * Settles actions: each exactly once, in the order given. Parents count them, are woken or told; whatever is still
 * active below a settled action is aborted; a settled root settles its run.
 */
export async function settle(work: Work, settlements: readonly Settlement[]): Promise<void> {
  const live = settlements.filter(({ row }) => !isTerminal(row.phase));
  await work.load(
    live.flatMap(({ row }) =>
      row.parent_id === null ? [] : [{ run_id: row.run_id, action_id: row.parent_id }],
    ),
  );
  await evict(work, live);
  const families = new Map<ActionRow, SettledCall[]>();
  for (const settlement of live) {
    // The same action may be listed twice in one batch; the first one wins.
    if (isTerminal(settlement.row.phase)) continue;
    const parent = parentOf(work, settlement.row);
    end(work, settlement, parent);
    if (parent !== undefined) remember(families, parent, settlement.row);
  }
  await fillCache(work, live);
  await releaseLimits(
    work,
    live.map(({ row }) => row),
  );
  for (const { row, end } of live) {
    const reason = isSuccess(end.phase)
      ? `its parent ${row.task} has ended`
      : `its parent ${row.task} has ${end.phase.replace("_", " ")}`;
    if (row.children > row.settled) await abortBelow(work, row, reason);
    if (row.parent_id === null) endRun(work, row, "error" in end ? end.error : null);
  }
  for (const [parent, calls] of families) await tell(work, parent, calls);
}

/** The parent, unless it has ended itself: then nobody is told. */
function parentOf(work: Work, row: ActionRow): ActionRow | undefined {
  const parent = row.parent_id === null ? undefined : work.action(row.run_id, row.parent_id);
  return parent === undefined || isTerminal(parent.phase) ? undefined : parent;
}

function remember(families: Map<ActionRow, SettledCall[]>, parent: ActionRow, row: ActionRow): void {
  const call = {
    id: row.id,
    map: row.map_id,
    failed: !isSuccess(row.phase as TerminalPhase),
    tolerated: row.tolerated === 1,
  };
  const calls = families.get(parent);
  if (calls === undefined) families.set(parent, [call]);
  else calls.push(call);
}

function end(work: Work, settlement: Settlement, parent: ActionRow | undefined): void {
  const { row } = settlement;
  if (!canMove(row.phase, settlement.end.phase)) {
    throw new Error(`action ${row.id} cannot go from ${row.phase} to ${settlement.end.phase}`);
  }
  const wasLeased = row.phase === "running" || row.phase === "initializing";
  const error = "error" in settlement.end ? settlement.end.error : undefined;
  if (parent !== undefined) {
    // The sequence is taken under the run's lock, so no reader can see a later one without an earlier one.
    parent.settled += 1;
    row.seq = parent.settled;
    work.counted.add(parent);
  }
  row.phase = settlement.end.phase;
  row.started_ms = settlement.startedMs;
  row.ended_ms = settlement.endedMs;
  row.waits = null;
  const result = error === undefined ? (settlement.end as { value: string }).value : JSON.stringify(error);
  work.settled.push({
    run_id: row.run_id,
    id: row.id,
    phase: row.phase,
    seq: row.seq,
    started_ms: row.started_ms,
    ended_ms: row.ended_ms,
    result,
  });
  const failure = error === undefined ? undefined : brief(error);
  work.emit(row.run_id, { action: row.id, phase: row.phase, attempt: row.attempt, error: failure });
  if (wasLeased) work.unlease(row);
  if (row.options !== "{}") work.untimed.push({ run_id: row.run_id, action_id: row.id });
}

function brief(error: ErrorRecord): EventError {
  return { code: error.code, message: error.message.slice(0, 300) };
}

/** Wakes a parked parent if the rule says so, or has a held one told. */
async function tell(work: Work, parent: ActionRow, calls: readonly SettledCall[]): Promise<void> {
  if (isTerminal(parent.phase)) return;
  if (parent.phase !== "suspended" || parent.waits === null) {
    work.told.set(keyOf(parent.run_id, parent.id), { run_id: parent.run_id, action_id: parent.id });
    return;
  }
  const wake = wakeAfter(
    JSON.parse(parent.waits) as Waits,
    calls,
    parent.children - parent.settled,
    work.nowMs,
  );
  if (wake.kind === "now") {
    parent.waits = null;
    await enqueue(work, [parent]);
    return;
  }
  const hadTimer = (JSON.parse(parent.waits) as Waits).firstMs !== null;
  parent.waits = JSON.stringify(wake.waits);
  work.counted.add(parent);
  if (wake.kind === "at" && !hadTimer) {
    work.remind(parent, { kind: "wake", due_ms: wake.dueMs, attempt: parent.attempt });
  }
}

/** Aborts everything that is still active below an action. */
export async function abortBelow(work: Work, root: ActionRow, reason: string): Promise<void> {
  const active = (await readActiveActions(work.sql, root.run_id))
    .map((row) => work.adopt(row))
    .filter((row) => !isTerminal(row.phase));
  const children = new Map<string, ActionRow[]>();
  for (const row of active) {
    const siblings = children.get(row.parent_id ?? "");
    if (siblings === undefined) children.set(row.parent_id ?? "", [row]);
    else siblings.push(row);
  }
  const below: ActionRow[] = [];
  // An aborted action may itself have ended parents between it and the root (a parent that ended with calls still
  // active); those were aborted then, so walking the active ones reaches everything.
  for (let frontier = children.get(root.id) ?? []; frontier.length > 0; ) {
    below.push(...frontier);
    frontier = frontier.flatMap((row) => children.get(row.id) ?? []);
  }
  const settlements = below.map((row) => abortion(work, row, reason));
  await evict(work, settlements);
  for (const settlement of settlements) end(work, settlement, undefined);
  await fillCache(work, settlements);
  await releaseLimits(work, below);
}

/** The settlement of an action that is aborted from outside. */
export function abortion(work: Work, row: ActionRow, reason: string): Settlement {
  const message = `${row.task} was aborted: ${reason}`;
  return {
    row,
    end: {
      phase: "aborted",
      error: {
        code: "ABORTED",
        kind: "user",
        retryable: false,
        name: "AbortedError",
        message,
        task: row.task,
        action: row.id,
      },
    },
    startedMs: row.started_ms,
    endedMs: work.nowMs,
    evicted: "aborted",
  };
}

/** Has the runners told whose leases end over their head. */
async function evict(work: Work, settlements: readonly Settlement[]): Promise<void> {
  const evicted = new Map(
    settlements
      .filter(({ evicted, row }) => evicted !== undefined && row.phase === "running")
      .map((settlement) => [keyOf(settlement.row.run_id, settlement.row.id), settlement]),
  );
  if (evicted.size === 0) return;
  const keys = [...evicted.values()].map(({ row }) => ({ run_id: row.run_id, action_id: row.id }));
  for (const holder of await readHolders(work.sql, keys)) {
    const settlement = evicted.get(keyOf(holder.run_id, holder.action_id));
    if (settlement?.evicted === undefined) continue;
    const detail = "error" in settlement.end ? settlement.end.error.message : "";
    work.lost.push({ runner_id: holder.runner_id, token: holder.token, reason: settlement.evicted, detail });
  }
}

function endRun(work: Work, root: ActionRow, error: ErrorRecord | null): void {
  const run = work.run(root.run_id);
  run.phase = root.phase === "recovered" ? "succeeded" : root.phase;
  run.ended_ms = root.ended_ms;
  run.error = error === null ? null : JSON.stringify(brief(error));
  work.changeRun(run);
  const failure = error === null ? undefined : brief(error);
  work.emit(run.id, { action: "", phase: run.phase, attempt: 0, error: failure });
}
