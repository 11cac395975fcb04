/** How often and when a failed attempt is tried again on the user's budget. */
export interface RetryPolicy {
  /** Retries after the first attempt; attempts = count + 1. */
  readonly count: number;
  /** Delay before the first retry in milliseconds. Default 0. */
  readonly delayMs?: number;
  /** Each further delay is multiplied by it (>= 1). Default 2 when delayMs is set. */
  readonly factor?: number;
  /** Upper bound of one delay in milliseconds. Default 5 minutes, or the first delay where that is longer. */
  readonly maxDelayMs?: number;
  /** `full` draws the delay uniformly from 0 to its value (AWS "full jitter"); `none` takes it as it is. */
  readonly jitter?: "full" | "none";
  /** Retry only these error codes or error names; absent retries every retryable error. */
  readonly only?: readonly string[];
  /** Never retry these error codes or error names. */
  readonly never?: readonly string[];
}

/** Attempts lost to the platform (a dead runner, a preempted machine) before it counts as the action's failure. */
export const SYSTEM_RETRIES = 5;

const DEFAULT_MAX_DELAY_MS = 300_000;

/** What decides a retry: the failure, how many of each budget are used, and a number in [0, 1) for the jitter. */
export interface FailedAttempt {
  readonly error: {
    readonly code: string;
    readonly name: string;
    readonly kind: string;
    readonly retryable: boolean;
  };
  readonly userFailures: number;
  readonly systemFailures: number;
  readonly random: number;
}

export type RetryDecision =
  | { readonly retry: true; readonly delayMs: number; readonly budget: "user" | "system" }
  | { readonly retry: false; readonly reason: "not_retryable" | "user_budget" | "system_budget" };

/**
 * Whether a failed attempt is tried again, and after how long.
 *
 * The platform's failures never use up the user's budget and the user's never the platform's.
 * `userFailures` and `systemFailures` include the attempt that failed now.
 *
 * @example decideRetry({ count: 1 }, { error, userFailures: 1, systemFailures: 0, random: 0 }) // { retry: true, … }
 */
export function decideRetry(policy: RetryPolicy | undefined, failed: FailedAttempt): RetryDecision {
  if (failed.error.kind === "system") return decideSystemRetry(failed);
  if (!failed.error.retryable || !matches(policy, failed.error))
    return { retry: false, reason: "not_retryable" };
  const count = policy?.count ?? 0;
  if (failed.userFailures > count) return { retry: false, reason: "user_budget" };
  return { retry: true, budget: "user", delayMs: backoffMs(policy, failed.userFailures, failed.random) };
}

function decideSystemRetry(failed: FailedAttempt): RetryDecision {
  if (failed.systemFailures > SYSTEM_RETRIES) return { retry: false, reason: "system_budget" };
  // The first platform retry is free: most lost runners are single events. Later ones back off, so that a task
  // which kills its runner does not take down one runner after another at full speed.
  const step = {
    count: SYSTEM_RETRIES,
    delayMs: 250,
    factor: 2,
    maxDelayMs: 10_000,
    jitter: "full",
  } as const;
  const delayMs = failed.systemFailures <= 1 ? 0 : backoffMs(step, failed.systemFailures - 1, failed.random);
  return { retry: true, budget: "system", delayMs };
}

/** Delay before retry number `nth` (1 = first), in whole milliseconds. */
export function backoffMs(policy: RetryPolicy | undefined, nth: number, random: number): number {
  const base = policy?.delayMs ?? 0;
  if (base <= 0) return 0;
  const factor = policy?.factor ?? 2;
  const capped = Math.min(
    base * factor ** (nth - 1),
    policy?.maxDelayMs ?? Math.max(base, DEFAULT_MAX_DELAY_MS),
  );
  return Math.round(policy?.jitter === "none" ? capped : capped * random);
}

function matches(policy: RetryPolicy | undefined, error: { code: string; name: string }): boolean {
  const isListed = (list: readonly string[]): boolean =>
    list.includes(error.code) || list.includes(error.name);
  if (policy?.never !== undefined && isListed(policy.never)) return false;
  return policy?.only === undefined || isListed(policy.only);
}
