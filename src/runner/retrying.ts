import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

export interface RetryParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Told about every failure that is tried again. */
  onRetry(error: unknown): void;
}

/** Does something that may be repeated until it works, with growing pauses; null when the signal fired first. */
export async function retrying<Result>(
  parts: RetryParts,
  signal: AbortSignal,
  attempt: () => Promise<Result>,
): Promise<Result | null> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    if (signal.aborted) return null;
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) return null;
      parts.onRetry(error);
      await pause(parts.clock, pauseMs * (0.5 + parts.random.number() / 2), signal);
    }
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(ms, finish);
    signal.addEventListener("abort", finish, { once: true });
  });
}
