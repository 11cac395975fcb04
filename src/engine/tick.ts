import type { ErrorRecord } from "../core/outcome.ts";
import { isTerminal } from "../core/phase.ts";
import { readHolders } from "../store/leases.ts";
import type { ActionRow, TimerRow } from "../store/rows.ts";
import { readExpiredRunners } from "../store/runners.ts";
import { deleteTimers, nextDueMs, readDueTimers } from "../store/timers.ts";
import { lookUp, mayCompute } from "./cache.ts";
import { reuse } from "./call.ts";
import type { EngineCore } from "./core.ts";
import { failAttempts } from "./failure.ts";
import { passOn } from "./limits.ts";
import { loseRunner } from "./lost.ts";
import { enqueue } from "./queue.ts";
import { type Settlement, settle } from "./settle.ts";
import type { Work } from "./work.ts";

const TIMERS_PER_TRANSACTION = 500;
const RUNNERS_PER_TICK = 20;

/**
 * Does everything that time has made due: sleeps, retries, time limits, wake-ups, and runners that were not heard of.
 * Idempotent: any number of coordinators may tick at once, cut off anywhere. Gives when to come back at the latest.
 */
export async function tick(
  core: EngineCore,
): Promise<{ readonly nextMs: number | null; readonly done: number }> {
  const nowMs = core.clock.now();
  let done = 0;
  for (const runner of await core.driver.read((sql) => readExpiredRunners(sql, nowMs, RUNNERS_PER_TICK))) {
    await loseRunner(core, runner.id, { kind: "silent", detail: "it was not heard of in time" });
    done += 1;
  }
  for (;;) {
    const due = await core.driver.read((sql) => readDueTimers(sql, nowMs, TIMERS_PER_TRANSACTION));
    if (due.length === 0) break;
    await core.work(
      due.map((timer) => timer.run_id),
      (work) => fire(work, due),
    );
    done += due.length;
    if (due.length < TIMERS_PER_TRANSACTION) break;
  }
  return { nextMs: await core.driver.read((sql) => nextDueMs(sql)), done };
}

async function fire(work: Work, timers: readonly TimerRow[]): Promise<void> {
  await deleteTimers(work.sql, timers);
  await work.load(timers.map(({ run_id, action_id }) => ({ run_id, action_id })));
  const queue: ActionRow[] = [];
  for (const timer of timers) {
    const row = work.action(timer.run_id, timer.action_id);
    if (row === undefined) continue;
    if (timer.kind === "promote") await retryPlace(work, row, queue);
    else if (!isTerminal(row.phase)) await fireOne(work, timer, row, queue);
  }
  await enqueue(
    work,
    [...new Set(queue)].filter((row) => row.phase === "waiting" || row.phase === "suspended"),
  );
}

async function fireOne(work: Work, timer: TimerRow, row: ActionRow, queue: ActionRow[]): Promise<void> {
  switch (timer.kind) {
    case "sleep":
      return settle(work, [
        {
          row,
          end: { phase: "succeeded", value: UNDEFINED },
          startedMs: row.created_ms,
          endedMs: work.nowMs,
        },
      ]);
    case "retry":
      if (row.phase === "waiting") queue.push(row);
      return;
    case "wake":
      if (row.phase !== "suspended") return;
      row.waits = null;
      queue.push(row);
      return;
    case "condition":
      return settle(work, [timedOut(work, row, conditionTimedOut(row), row.created_ms)]);
    case "deadline":
      return settle(work, [
        { ...timedOut(work, row, deadlineExceeded(row), row.started_ms), evicted: "deadline" },
      ]);
    case "queue_limit":
      if (row.phase !== "queued" || row.attempt >= timer.attempt) return;
      return settle(work, [timedOut(work, row, queuedTooLong(row), null)]);
    case "attempt_limit":
      return endOverdueAttempt(work, timer, row);
    case "promote":
      return;
  }
}

function timedOut(work: Work, row: ActionRow, error: ErrorRecord, startedMs: number | null): Settlement {
  return { row, end: { phase: "timed_out", error }, startedMs, endedMs: work.nowMs };
}

/** Encoded `undefined`, which is what a sleep gives. */
const UNDEFINED = '{"$undefined":true}';

/** The runner should have ended the attempt itself; it did not react, so its lease ends over its head. */
async function endOverdueAttempt(work: Work, timer: TimerRow, row: ActionRow): Promise<void> {
  if (row.phase !== "running" || row.attempt !== timer.attempt) return;
  const holder = (await readHolders(work.sql, [{ run_id: row.run_id, action_id: row.id }]))[0];
  // A parent that was parked and resumed has a new lease, with an end of its own.
  if (holder !== undefined && (holder.must_end_ms === null || holder.must_end_ms > work.nowMs)) return;
  const message = `${row.task} ran longer than its time limit and did not react`;
  const error: ErrorRecord = {
    code: "TIME_LIMIT",
    kind: "user",
    retryable: true,
    name: "TimeLimitError",
    message,
    task: row.task,
    action: row.id,
  };
  if (holder !== undefined)
    work.lost.push({
      runner_id: holder.runner_id,
      token: holder.token,
      reason: "time_limit",
      detail: message,
    });
  await failAttempts(work, [
    { row, runnerId: holder?.runner_id ?? null, error, startedMs: row.started_ms, endedMs: work.nowMs },
  ]);
}

/** It is this action's turn: its cache entry may be there now, or its concurrency key free. */
async function retryPlace(work: Work, row: ActionRow, queue: ActionRow[]): Promise<void> {
  if (row.phase !== "waiting") return passOn(work, row);
  const key = row.cache_key;
  const hit = key === null ? undefined : (await lookUp(work, work.run(row.run_id), [key])).get(key);
  if (hit !== undefined) {
    await settle(work, [reuse(work, row, "succeeded", hit.result)]);
    return passOn(work, row);
  }
  if (await mayCompute(work, row)) queue.push(row);
}

function conditionTimedOut(row: ActionRow): ErrorRecord {
  const message = `nobody answered condition "${row.task}" in time`;
  return {
    code: "CONDITION_TIMED_OUT",
    kind: "user",
    retryable: false,
    name: "ConditionTimedOutError",
    message,
    task: row.task,
    action: row.id,
  };
}

function deadlineExceeded(row: ActionRow): ErrorRecord {
  const message = `${row.task} was not done by its deadline`;
  return {
    code: "DEADLINE_EXCEEDED",
    kind: "user",
    retryable: false,
    name: "TimeLimitError",
    message,
    task: row.task,
    action: row.id,
  };
}

function queuedTooLong(row: ActionRow): ErrorRecord {
  const message = `${row.task} waited in the queue longer than its limit`;
  return {
    code: "QUEUE_TIME_LIMIT",
    kind: "user",
    retryable: false,
    name: "TimeLimitError",
    message,
    task: row.task,
    action: row.id,
  };
}
