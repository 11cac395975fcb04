import type { Duration } from "../core/duration.ts";
import { plainAction } from "./action-promise.ts";
import { durationOf } from "./options.ts";
import { type ActionPromise, currentSession } from "./session.ts";

/**
 * Waits. In a task the wait is durable and costs nothing while the task is parked, for seconds or for months;
 * outside it is a timer.
 *
 * @param duration milliseconds, or a text such as `"10s"`, `"5m"`, `"2h"`, `"30d"`
 * @example await sleep("24h");
 * @throws GodwitError OPTION_INVALID
 */
export function sleep(duration: Duration): ActionPromise<void> {
  const ms = durationOf(duration, "sleep");
  return currentSession()?.sleep(ms) ?? plainAction(() => timer(ms));
}

// Node fires a longer timer at once.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Resolves after `ms`, however long. @throws the signal's reason when it fires */
export async function timer(ms: number, signal?: AbortSignal): Promise<void> {
  for (let left = ms; left >= 0; left -= LONGEST_TIMER_MS) {
    await shortTimer(Math.min(left, LONGEST_TIMER_MS), signal);
  }
}

function shortTimer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const handle = setTimeout(finish, ms);
    signal?.addEventListener("abort", cancel, { once: true });
    function finish(): void {
      signal?.removeEventListener("abort", cancel);
      resolve();
    }
    function cancel(): void {
      clearTimeout(handle);
      reject(signal?.reason);
    }
  });
}
