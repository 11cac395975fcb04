import { TimeLimitError } from "../core/errors.ts";
import type { LeaseGrant } from "../core/protocol.ts";

/** The error of an attempt that must end now: its own time limit, or the deadline of its action. */
export function timeLimitError(
  { task, options }: LeaseGrant,
  at: { startedMs: number; nowMs: number },
): TimeLimitError {
  const { attemptMs, deadlineMs } = options.limits ?? {};
  if (attemptMs !== undefined && at.nowMs >= at.startedMs + attemptMs) {
    return new TimeLimitError(`${task} ran longer than its time limit of ${attemptMs} ms`);
  }
  const message = `${task} was not done by its deadline of ${deadlineMs} ms`;
  return new TimeLimitError(message, { code: "DEADLINE_EXCEEDED" });
}
