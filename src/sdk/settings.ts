import type { CacheOptions } from "../core/cache.ts";
import type { Duration } from "../core/duration.ts";
import type { ResourcesInput } from "../core/resources.ts";
import type { RetryPolicy } from "../core/retry.ts";
import type { TaskEnvironment } from "./environment.ts";
import type { StandardSchema } from "./standard-schema.ts";

/** How often and when a failed attempt is tried again. */
export interface RetrySettings extends Pick<RetryPolicy, "count" | "factor" | "jitter" | "only" | "never"> {
  /** Delay before the first retry. Default 0. */
  readonly delay?: Duration | undefined;
  /** Upper bound of one delay. Default 5 minutes. */
  readonly maxDelay?: Duration | undefined;
}

/** Time limits; an absent one does not limit. */
export interface TimeoutSettings {
  /** Longest run of one attempt, counted while it executes. */
  readonly attempt?: Duration | undefined;
  /** Longest stay in the queue, per attempt. */
  readonly queued?: Duration | undefined;
  /** Longest life of the action over all attempts, from its first call. */
  readonly deadline?: Duration | undefined;
}

/** How results are reused. `mode` defaults to `override` when a version is given, else to `auto`. */
export interface CacheSettings extends Omit<CacheOptions, "mode"> {
  readonly mode?: CacheOptions["mode"] | undefined;
}

/** At most `limit` actions that hold `key` run at once, over all runs of a project. */
export interface ConcurrencySettings {
  /** Default: the full name of the task. Tasks that give the same key share the limit. */
  readonly key?: string | undefined;
  readonly limit: number;
}

/**
 * What can be set on all three levels: environment, task and call (`override`). A value on a nearer level replaces
 * the farther one as a whole; nothing is merged.
 */
export interface CallSettings {
  /** CPUs, memory, GPU, disk. @example { cpu: 2, memory: "4Gi" } */
  readonly resources?: ResourcesInput | undefined;
  /** Retries after the first attempt. Default 0. @example { count: 3, delay: "1s", only: ["RateLimitError"] } */
  readonly retries?: number | RetrySettings | undefined;
  /** A bare duration limits one attempt; `null` takes a limit of a farther level away. Default none. */
  readonly timeout?: Duration | TimeoutSettings | null | undefined;
  /** Reuse of results. Default `disable`. @example { version: "2", ignoredInputs: ["verbose"] } */
  readonly cache?: "auto" | "disable" | CacheSettings | undefined;
  /** May run on spot capacity, which can be taken away. Default false. */
  readonly interruptible?: boolean | undefined;
  /** Higher runs first within a pool. An integer, default 0. */
  readonly priority?: number | undefined;
  /** Bound on actions that run at once; `null` takes a bound of a farther level away. Default none. */
  readonly concurrency?: number | ConcurrencySettings | null | undefined;
  /** Names of secrets that the task may read with `ctx().secret(name)`. Default none. @example ["OPENAI_KEY"] */
  readonly secrets?: readonly string[] | undefined;
}

/** Settings of a {@link TaskEnvironment}: its own, and defaults for its tasks. */
export interface EnvironmentSettings extends CallSettings {
  /** Snake or kebab case in lower case letters and digits, at most 63 characters. */
  readonly name: string;
  readonly description?: string | undefined;
  /** Environment variables of its runners. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /**
   * Environments that are deployed together with this one, because its tasks call theirs. A function is asked when
   * everything is defined, so that environments may depend on each other.
   */
  readonly dependsOn?: readonly TaskEnvironment[] | (() => readonly TaskEnvironment[]) | undefined;
}

/** Settings of one task; replace those of its environment. */
export interface TaskSettings<
  Input extends StandardSchema | undefined = StandardSchema | undefined,
  Output extends StandardSchema | undefined = StandardSchema | undefined,
> extends CallSettings {
  /** Default: the name of the function. */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** Standard Schema of the input: checked before anything starts, parsed for the function. */
  readonly input?: Input;
  /** Standard Schema of the result: what the function returns is parsed with it. */
  readonly output?: Output;
}

/** Settings of one call; replace those of the task. Name and schemas cannot be overridden. */
export interface OverrideSettings extends CallSettings {
  /** Label in the tree; never part of an action's identity. */
  readonly label?: string | undefined;
}
