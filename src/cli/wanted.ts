import type { RunCacheMode } from "../core/cache.ts";
import type { SuspendMode } from "../core/protocol.ts";

/** What can be said about a run besides its input. */
export interface RunOptions {
  readonly name?: string;
  readonly label?: readonly string[];
  readonly context?: readonly string[];
  readonly cache?: RunCacheMode;
  readonly suspend?: SuspendMode;
  readonly strict?: boolean;
  readonly priority?: number;
  readonly recover?: string;
  readonly detach?: boolean;
  readonly input?: string;
  readonly external?: readonly string[];
}

/** A run that is asked for. */
export interface WantedRun {
  readonly file: string;
  readonly task: string | undefined;
  /** Flags of the task, unread: its schema says what they are. */
  readonly flags: readonly string[];
  readonly options: RunOptions;
}

/** An older run that is run again. */
export interface WantedRerun {
  readonly run: string;
  /** `rerun` reuses nothing, `recover` every success, `fork` every success under the code of `file`. */
  readonly kind: "rerun" | "recover" | "fork";
  readonly file?: string | undefined;
  /** `--input`; absent: the input of the older run. */
  readonly input?: string | undefined;
  /** Ids of actions and names of tasks that are executed again all the same. */
  readonly force?: readonly string[] | undefined;
  /** Execute again whatever has other code now. */
  readonly isChangedOnly?: boolean | undefined;
  /** Packages that stay out of the bundle of `file`. */
  readonly external?: readonly string[] | undefined;
}
