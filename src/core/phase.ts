/**
 * Phases of an action and of a run, as in Flyte 2, plus `suspended` (the parent is parked and costs nothing).
 *
 * ```text
 *            ┌──────────── retry, lost runner ───────────┐
 *            ▼                                           │
 * waiting → queued → running ──────────────────────────→ (terminal)
 *    ▲         ▲        │ ▲
 *    │         └─wake── suspended
 *    └ retry backoff, sleep, concurrency key      paused = a condition waits for an answer
 * ```
 */
export const ACTIVE_PHASES = ["queued", "waiting", "initializing", "running", "suspended", "paused"] as const;
export const TERMINAL_PHASES = ["succeeded", "failed", "aborted", "timed_out", "recovered"] as const;

export type ActivePhase = (typeof ACTIVE_PHASES)[number];
export type TerminalPhase = (typeof TERMINAL_PHASES)[number];
export type Phase = ActivePhase | TerminalPhase;

/** Where an action may go from each phase. A transition that is not listed here is a bug and is refused. */
export const LEGAL_TRANSITIONS: Readonly<Record<Phase, readonly Phase[]>> = {
  queued: ["initializing", "running", "waiting", "failed", "aborted", "timed_out"],
  waiting: ["queued", "paused", "succeeded", "recovered", "failed", "aborted", "timed_out"],
  initializing: ["running", "queued", "waiting", "failed", "aborted", "timed_out"],
  running: ["suspended", "queued", "waiting", "succeeded", "failed", "aborted", "timed_out"],
  suspended: ["queued", "waiting", "failed", "aborted", "timed_out"],
  paused: ["succeeded", "failed", "aborted", "timed_out"],
  succeeded: [],
  failed: [],
  aborted: [],
  timed_out: [],
  recovered: [],
};

const terminal: ReadonlySet<string> = new Set(TERMINAL_PHASES);

/** True for a phase that is never left again. @example isTerminal("recovered") // true */
export function isTerminal(phase: Phase): phase is TerminalPhase {
  return terminal.has(phase);
}

/** True when the phase carries a value: `recovered` counts as success. */
export function isSuccess(phase: Phase): phase is "succeeded" | "recovered" {
  return phase === "succeeded" || phase === "recovered";
}

/** True when an action in `from` may move to `to`. */
export function canMove(from: Phase, to: Phase): boolean {
  return LEGAL_TRANSITIONS[from].includes(to);
}
