import type { CacheOptions } from "./cache.ts";
import type { Resources } from "./resources.ts";
import type { RetryPolicy } from "./retry.ts";

/** What an action is: a task runs on a runner, a trace inside its parent, sleeps and conditions in the store. */
export type ActionKind = "task" | "trace" | "sleep" | "condition";

/** Time limits of an action in milliseconds; an absent one does not limit. */
export interface TimeLimits {
  /** Longest run of one attempt, counted while it executes. */
  readonly attemptMs?: number;
  /** Longest stay in the queue, per attempt. */
  readonly queuedMs?: number;
  /** Longest life of the action over all attempts, from its first call. */
  readonly deadlineMs?: number;
}

/** At most `limit` actions that hold `key` run at once, over all runs of a project and domain. */
export interface ConcurrencyLimit {
  readonly key: string;
  readonly limit: number;
}

/** What a person or a signal is asked. */
export interface ConditionSpec {
  readonly name: string;
  readonly prompt: string | null;
  /** JSON Schema of the answer; null accepts any value. */
  readonly schema: unknown;
  readonly timeoutMs: number | null;
}

/**
 * Settings of one call after the three levels (environment, task, override) were resolved by the SDK.
 * Only what differs from the defaults is present, because it is stored with every action.
 */
export interface CallOptions {
  readonly retries?: RetryPolicy;
  readonly limits?: TimeLimits;
  readonly cache?: CacheOptions;
  readonly resources?: Resources;
  readonly interruptible?: boolean;
  /** Higher runs first within a pool. Default 0. */
  readonly priority?: number;
  readonly concurrency?: ConcurrencyLimit;
  /** Label in the tree; never part of identity. */
  readonly group?: string;
  readonly label?: string;
  /** Number of the `map` this call belongs to: the parent is woken once, when all of it has settled. */
  readonly map?: number;
  /** The caller tolerates a failure of this call (`map` with `settle`), so a failure alone wakes nobody. */
  readonly tolerated?: boolean;
  /** Custom context; flows to descendants. */
  readonly context?: Readonly<Record<string, string>>;
  /** Secrets by name, fetched by the runner. */
  readonly secrets?: readonly string[];
  readonly sleepMs?: number;
  readonly condition?: ConditionSpec;
  /** A task that is called without its code: whose deployment it is, and at which version. */
  readonly remote?: RemoteTarget;
}

/** Which deployment of an environment a remote call means. */
export interface RemoteTarget {
  /** `latest`: deployed last; `current`: what the caller was deployed with, or its own version; else a version. */
  readonly version: string;
  /** Default: the caller's. */
  readonly project?: string;
  /** Default: the caller's. */
  readonly domain?: string;
}
