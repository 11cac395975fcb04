import type { RunCacheMode } from "../../core/cache.ts";
import type { OptionLevel } from "../../core/call-options.ts";
import type { ErrorRecord, Json } from "../../core/error-record.ts";
import type { Phase } from "../../core/phase.ts";
import type { SuspendMode } from "../../core/protocol.ts";
import type { RunSummary as ListedRun } from "../../sdk/run-list.ts";
import type { PageQuery } from "./page.ts";

/** The older run a run comes from. */
export interface OriginView {
  readonly run: string;
  readonly kind: "rerun" | "recover" | "fork";
  readonly force: readonly string[];
  readonly changedOnly: boolean;
}

export interface RunSummary extends ListedRun {
  readonly origin: OriginView | null;
  /** How many actions it has had so far. */
  readonly actionCount: number;
  readonly divergenceCount: number;
}

/** A replay that left the recorded path. */
export interface DivergenceView {
  readonly action: string;
  readonly kind: "missing_call" | "new_call" | "changed_order";
  readonly call: string;
  readonly task: string;
  readonly detail: string;
  readonly atMs: number;
}

export interface RunDetail extends RunSummary {
  readonly context: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly weight: number;
  readonly actionLimit: number | null;
  readonly cache: RunCacheMode;
  readonly suspend: SuspendMode;
  readonly strict: boolean;
  /** Sequence of the last event. */
  readonly eventSeq: number;
  readonly divergences: readonly DivergenceView[];
}

/** How a run or an action ended. */
export type OutcomeView =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly error: ErrorRecord };

/** A run that was started; `outcome` is null while it goes on. */
export interface StartedRun extends RunDetail {
  readonly outcome: OutcomeView | null;
}

/** The result of a run; `outcome` is null while it goes on. */
export interface RunResult {
  readonly run: string;
  readonly project: string;
  readonly phase: Phase;
  readonly outcome: OutcomeView | null;
}

/** What starts a run. */
export interface StartRunBody {
  /** Full name, `env.task`. */
  readonly task: string;
  /** Tagged JSON. Absent: the task takes nothing. */
  readonly input?: Json;
  /** Id of the deployment that has the task. Default: what `version` says. */
  readonly deployment?: string;
  /**
   * `latest` (default): what was deployed last in the project and domain. `current`: what the calling task was deployed
   * with; for tasks only. Else a version.
   */
  readonly version?: string;
  /** What changes of the options that the task was deployed with; `null` takes one away. */
  readonly options?: OptionLevel;
  /** Default: that of the deployment, else the key's, else `default`. */
  readonly project?: string;
  /** Default: that of the deployment, else `development`. */
  readonly domain?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly context?: Readonly<Record<string, string>>;
  readonly priority?: number;
  readonly weight?: number;
  readonly actionLimit?: number;
  readonly cache?: RunCacheMode;
  readonly suspend?: SuspendMode;
  readonly strict?: boolean;
  readonly origin?: {
    readonly run: string;
    readonly kind: "rerun" | "recover" | "fork";
    readonly force?: readonly string[];
    readonly changedOnly?: boolean;
  };
}

/** What starts an older run again. */
export interface RerunBody {
  /** Reuse everything that succeeded. */
  readonly recover?: boolean;
  /** The same, under the code of this deployment. */
  readonly fork?: string;
  /** Execute again whatever has other code now. */
  readonly changedOnly?: boolean;
  /** Ids of actions, or names of tasks, that are executed again all the same. */
  readonly force?: readonly string[];
  /** Default: the input of the older run. */
  readonly input?: Json;
}

export interface RunQuery extends PageQuery {
  readonly project?: string;
  readonly domain?: string;
  readonly phase?: readonly Phase[];
  readonly task?: string;
  /** `key` or `key=value`; a run must have all of them. */
  readonly label?: readonly string[];
  /** Runs that come from this one. */
  readonly origin?: string;
  /** By time of creation. Default `desc`. */
  readonly order?: "asc" | "desc";
}
