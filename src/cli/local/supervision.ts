import type { ExecutionState } from "../../runner/execution-watch.ts";

/** Set in a process that another one of ours watches. */
export const GUARDED_VARIABLE = "GODWIT_GUARDED";
/** Set for a process that goes on with a run whose process died: its id, and the last event that was shown. */
export const RESUME_VARIABLE = "GODWIT_RESUME";

/** What an executing process tells its guard. */
export type ChildMessage =
  | { readonly type: "runner"; readonly runner: string; readonly dataDir: string }
  | { readonly type: "run"; readonly run: string }
  /** Its event loop turns. */
  | { readonly type: "beat" }
  /** The last event that was shown. */
  | { readonly type: "shown"; readonly shown: number }
  | ({ readonly type: "state" } & ExecutionState)
  /** It ends by itself with this exit code; whatever else it ends with was not its own will. */
  | { readonly type: "done"; readonly exitCode: number };

/** What the guard tells the process it guards. */
export type GuardMessage = { readonly type: "interrupt"; readonly signal: "SIGINT" | "SIGTERM" };

export const BEAT_MS = 250;
