import type { Clock } from "../ports/clock.ts";

/**
 * Wakes whoever waits in this process. It only ever shortens a wait: whoever is woken looks into the store, and
 * whoever is not looks there after a while too.
 */
export class Hub {
  readonly #clock: Clock;
  readonly #waiters = new Map<string, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Wakes those who wait for a topic. */
  notify(topic: string): void {
    const waiters = this.#waiters.get(topic);
    if (waiters === undefined) return;
    for (const wake of [...waiters]) wake();
  }

  /** Wakes everybody: something changed, nobody knows what. */
  notifyAll(): void {
    for (const topic of [...this.#waiters.keys()]) this.notify(topic);
  }

  /**
   * Starts to listen; what is notified from now on ends the wait. Listen first, look into the store second, wait
   * third: a change between the look and the wait is then never missed.
   */
  listen(topics: readonly string[]): Listener {
    let woken: string | null = null;
    let onWake = (topic: string): void => {
      woken = topic;
    };
    const entries = topics.map((topic) => ({ topic, wake: () => onWake(topic) }));
    for (const { topic, wake } of entries) this.#add(topic, wake);
    return {
      wait: (waitMs, signal) =>
        new Promise((resolve) => {
          if (woken !== null || signal?.aborted === true) return resolve(woken);
          const finish = (topic: string | null): void => {
            cancel();
            signal?.removeEventListener("abort", onAbort);
            resolve(topic);
          };
          const onAbort = (): void => finish(null);
          const cancel = this.#clock.after(waitMs, onAbort);
          signal?.addEventListener("abort", onAbort, { once: true });
          onWake = finish;
        }),
      stop: () => {
        for (const { topic, wake } of entries) this.#remove(topic, wake);
      },
    };
  }

  #add(topic: string, wake: () => void): void {
    const waiters = this.#waiters.get(topic);
    if (waiters === undefined) this.#waiters.set(topic, new Set([wake]));
    else waiters.add(wake);
  }

  #remove(topic: string, wake: () => void): void {
    const waiters = this.#waiters.get(topic);
    waiters?.delete(wake);
    if (waiters?.size === 0) this.#waiters.delete(topic);
  }
}

export interface Listener {
  /** Gives the topic that ended the wait; null when time or the signal did. */
  wait(waitMs: number, signal?: AbortSignal): Promise<string | null>;
  stop(): void;
}

export const topics = {
  runner: (id: string): string => `runner:${id}`,
  pool: (pool: string): string => `pool:${pool}`,
  run: (id: string): string => `run:${id}`,
  logs: (runId: string): string => `logs:${runId}`,
  /** Any pool that is not private to one runner. */
  sharedPools: "pools",
  tick: "tick",
} as const;

/** A pool that only one runner serves: nobody else takes its actions while that runner lives. */
export function privatePool(runnerId: string): string {
  return `~${runnerId}`;
}

export function isPrivatePool(pool: string): boolean {
  return pool.startsWith("~");
}
