import type { ActionKind } from "./call.ts";
import type { Phase } from "./phase.ts";

/**
 * What happened in a run, in the order of `seq`. Whoever has seen `seq` asks for what came after it, so a cut
 * connection loses and repeats nothing.
 */
export type RunEvent = RunPhaseEvent | ActionPhaseEvent;

interface EventBase {
  /** 1, 2, 3 … within one run. */
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

/** The run entered `phase`. The event with a terminal phase is the last one of its run. */
export interface RunPhaseEvent extends EventBase {
  readonly type: "run";
  readonly phase: Phase;
  readonly error?: EventError;
}

/** An action entered `phase`; the first event of an action is its creation. */
export interface ActionPhaseEvent extends EventBase {
  readonly type: "action";
  readonly action: string;
  /** Null for the root action. */
  readonly parent: string | null;
  /** Full task name, or the name of the trace or condition. */
  readonly task: string;
  readonly kind: ActionKind;
  readonly phase: Phase;
  /** 1-based; 0 before the first attempt. */
  readonly attempt: number;
  /** Group path such as `load/files`. */
  readonly group?: string;
  readonly label?: string;
  readonly error?: EventError;
}

/** The failure in one line; the whole error is in the action's outcome. */
export interface EventError {
  readonly code: string;
  readonly message: string;
}
