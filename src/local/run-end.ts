import { AbortedError, RunFailedError } from "../core/errors.ts";
import type { EventError } from "../core/event.ts";
import { fromErrorRecord, type Outcome, readOutcome } from "../core/outcome.ts";
import type { TerminalPhase } from "../core/phase.ts";

/** The result of a run that has ended. @throws RunFailedError or AbortedError, whose cause is the failure of its root */
export function resultOf(run: string, phase: TerminalPhase, outcome: Outcome | null): unknown {
  if (outcome?.ok === true) return readOutcome(outcome);
  const cause = outcome === null ? undefined : fromErrorRecord(outcome.error);
  const message = outcome?.error.message ?? `it is ${phase.replace("_", " ")}`;
  const { task, action } = outcome?.error ?? {};
  const at = { ...(task !== undefined && { task }), ...(action !== undefined && { action }) };
  if (phase === "aborted") throw new AbortedError(`run ${run} was aborted: ${message}`, { cause, ...at });
  throw new RunFailedError(`run ${run} ${phase.replace("_", " ")}: ${message}`, { cause, ...at });
}

/** The failure that a run's row holds. */
export function errorOfRow(text: string | null): EventError | null {
  return text === null ? null : (JSON.parse(text) as EventError);
}
