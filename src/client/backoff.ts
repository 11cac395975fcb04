/** How long the tries of one request wait for each other. */
export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/**
 * The pause before try `nth` (1: the first repetition), drawn from the upper half of a doubling delay: many clients
 * that were cut off together do not come back together, and none of them at once.
 */
export function pauseMs(backoff: Backoff, nth: number, random: number = Math.random()): number {
  const delayMs = Math.min(backoff.firstMs * 2 ** Math.min(nth - 1, 30), backoff.mostMs);
  return (delayMs * (1 + random)) / 2;
}

/** Resolves after `delayMs`; rejects with the signal's reason when that fires first. */
export function pause(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The pause a server asked for, in milliseconds; 0 when it did not. */
export function askedPauseMs(reply: Response): number {
  const seconds = Number(reply.headers.get("Retry-After") ?? "0");
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 60) * 1_000 : 0;
}
