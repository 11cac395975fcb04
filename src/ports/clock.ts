/** Time, handed in: a simulation owns it. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Calls `run` once after `delayMs`; returns what cancels it. Never keeps the process alive by itself. */
  after(delayMs: number, run: () => void): () => void;
  /** Calls `run` when everything that is ready has run, promise jobs included; returns what cancels it. */
  idle(run: () => void): () => void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    // setTimeout fires at once beyond 2^31 - 1 ms; whoever waits that long looks again after it.
    const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), 2_147_483_647));
    timer.unref();
    return () => clearTimeout(timer);
  },
  idle(run) {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  },
};
