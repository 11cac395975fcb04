import type { Clock } from "../src/ports/clock.ts";

/** Settles as `promise` does, or rejects with the signal's reason; what `promise` does afterwards is ignored. */
export function abortable<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Waits, or rejects with the signal's reason. Whoever waits before another try keeps the process alive. */
export async function sleep(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  let cancel = (): void => {};
  const waited = new Promise<void>((resolve) => {
    cancel = clock.after(delayMs, resolve);
  });
  // The clock's own timers do not.
  const alive = setTimeout(() => undefined, delayMs);
  try {
    await abortable(waited, signal);
  } finally {
    cancel();
    clearTimeout(alive);
  }
}
