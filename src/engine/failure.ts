import type { ErrorRecord } from "../core/outcome.ts";
import { isTerminal } from "../core/phase.ts";
import { decideRetry } from "../core/retry.ts";
import type { ActionRow } from "../store/rows.ts";
import { optionsOf } from "./action-options.ts";
import { releaseLimits } from "./limits.ts";
import { enqueue } from "./queue.ts";
import { type Settlement, settle } from "./settle.ts";
import type { Work } from "./work.ts";

/** An attempt that ended badly. */
export interface FailedLease {
  readonly row: ActionRow;
  readonly runnerId: string | null;
  readonly error: ErrorRecord;
  readonly startedMs: number | null;
  readonly endedMs: number;
  /** Set when the engine ends it over its runner's head. */
  readonly evicted?: "deadline" | "time_limit";
}

/** Ends attempts that failed: each action is tried again within its budgets, or settles. */
export async function failAttempts(work: Work, failures: readonly FailedLease[]): Promise<void> {
  const again: ActionRow[] = [];
  const over: Settlement[] = [];
  for (const failure of failures) {
    const { row, error } = failure;
    // Its parent may have ended in this very report, and with it everything below.
    if (isTerminal(row.phase)) continue;
    const isSystem = error.kind === "system";
    if (isSystem) countLoss(row);
    else row.user_failures += 1;
    const policy = optionsOf(row).retries;
    const { user_failures: userFailures, system_streak: systemFailures } = row;
    const decision = decideRetry(policy, {
      error,
      userFailures,
      systemFailures,
      random: work.random.number(),
    });
    if (!decision.retry) {
      const last =
        decision.reason === "not_retryable" ? located(row, error) : exhausted(row, error, policy?.count ?? 0);
      over.push(ending(failure, last));
      continue;
    }
    record(work, failure, isSystem ? "system" : "user");
    work.unlease(row);
    again.push(row);
    if (decision.delayMs > 0) delay(work, row, decision.delayMs);
  }
  await releaseLimits(work, again);
  await enqueue(
    work,
    again.filter((row) => row.phase !== "waiting"),
  );
  await settle(work, over);
}

/**
 * Only losses in a row use up the system budget: a parent that lives for days on machines that come and go loses many
 * attempts, and gets further with each of them.
 */
function countLoss(row: ActionRow): void {
  const progress = row.children + row.settled;
  row.system_failures += 1;
  row.system_streak = progress > row.progress ? 1 : row.system_streak + 1;
  row.progress = progress;
}

function record(work: Work, failure: FailedLease, kind: "user" | "system"): void {
  work.attempts.push({
    run_id: failure.row.run_id,
    action_id: failure.row.id,
    attempt: failure.row.attempt,
    runner_id: failure.runnerId,
    started_ms: failure.startedMs,
    ended_ms: failure.endedMs,
    end_kind: kind,
    error: JSON.stringify(failure.error),
  });
}

function delay(work: Work, row: ActionRow, delayMs: number): void {
  work.remind(row, { kind: "retry", due_ms: work.nowMs + delayMs, attempt: row.attempt });
  work.move(row, "waiting");
}

function ending({ row, startedMs, endedMs, evicted }: FailedLease, error: ErrorRecord): Settlement {
  const phase = endPhase(error);
  return { row, end: { phase, error }, startedMs, endedMs, ...(evicted === undefined ? {} : { evicted }) };
}

const TIME_LIMITS: ReadonlySet<string> = new Set(["TIME_LIMIT", "QUEUE_TIME_LIMIT", "DEADLINE_EXCEEDED"]);

/** The terminal phase that tells a time limit, however often it was tried, from any other failure. */
export function endPhase(error: ErrorRecord): "failed" | "timed_out" {
  const code =
    error.code === "RETRIES_EXHAUSTED" && error.cause !== undefined
      ? (error.cause as ErrorRecord).code
      : error.code;
  return TIME_LIMITS.has(code) ? "timed_out" : "failed";
}

function located(row: ActionRow, error: ErrorRecord): ErrorRecord {
  return { ...error, task: error.task ?? row.task, action: error.action ?? row.id };
}

/** The error of an action whose budget is used up. With no retries at all, the failure itself says most. */
function exhausted(row: ActionRow, error: ErrorRecord, count: number): ErrorRecord {
  const cause = located(row, error);
  const attempts = row.user_failures + row.system_failures;
  const base = { retryable: false, task: row.task, action: row.id, attempts, cause };
  if (error.kind === "system") {
    const message = `${row.task} lost its runner ${row.system_streak} times in a row; the last time: ${error.message}`;
    return { code: "INTERRUPTED", kind: "system", name: "InterruptedError", message, ...base };
  }
  if (count === 0) return cause;
  const message = `${row.task} failed ${row.user_failures} times; the last time: ${error.message}`;
  return { code: "RETRIES_EXHAUSTED", kind: "user", name: "RetriesExhaustedError", message, ...base };
}
