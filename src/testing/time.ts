import type { EngineCore } from "../engine/core.ts";
import { Mutex } from "../store/mutex.ts";
import { nextDueMs } from "../store/timers.ts";
import type { FakeClock } from "./fake-clock.ts";

/** What tells whether anything is going on. */
export interface Bustle {
  readonly core: EngineCore;
  readonly clock: FakeClock;
  /** The database is being used. */
  isStoreBusy(): boolean;
  /** User code has something to do. */
  isCodeBusy(): boolean;
}

/** How long a runner is believed to live in fake time: it must survive any skip. */
export const FAKE_LEASE_MS = 1e14;

/** Turns of the event loop without anything going on after which nothing will, unless time moves. */
const QUIET_TURNS = 3;

/** Moves the time of a system in this process from one thing that is due to the next. */
export class Time {
  readonly #bustle: Bustle;
  readonly #mutex = new Mutex();
  #waiting = 0;
  #isDriving = false;
  #isStopped = false;

  constructor(bustle: Bustle) {
    this.#bustle = bustle;
  }

  /** Moves time on by `ms`, stopping at everything that becomes due on the way. */
  advance(ms: number): Promise<void> {
    return this.#mutex.run(async () => {
      const { clock } = this.#bustle;
      const endMs = clock.now() + ms;
      for (;;) {
        await this.#settle(false);
        const nextMs = await this.#nextMs();
        if (nextMs === null || nextMs > endMs || this.#isStopped) break;
        clock.moveTo(nextMs);
      }
      clock.moveTo(endMs);
      await this.#settle(false);
    });
  }

  /** Resolves when nothing goes on any more unless time moves. */
  settle(): Promise<void> {
    return this.#settle(true);
  }

  /** While somebody waits, time skips whatever nobody is busy in. */
  async skipDuring<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#waiting += 1;
    void this.#drive();
    try {
      return await work();
    } finally {
      this.#waiting -= 1;
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#mutex.run(async () => undefined);
  }

  async #drive(): Promise<void> {
    if (this.#isDriving) return;
    this.#isDriving = true;
    while (this.#waiting > 0 && !this.#isStopped) {
      const hasSkipped = await this.#mutex.run(() => this.#skip());
      // Nothing is due: only somebody outside can make something happen.
      if (!hasSkipped) await pause();
    }
    this.#isDriving = false;
  }

  async #skip(): Promise<boolean> {
    await this.#settle(true);
    if (this.#waiting === 0 || this.#isStopped) return false;
    const nextMs = await this.#nextMs();
    if (nextMs === null) return false;
    this.#bustle.clock.moveTo(nextMs);
    return true;
  }

  async #settle(mindsCode: boolean): Promise<void> {
    const { clock, isStoreBusy, isCodeBusy } = this.#bustle;
    for (let quiet = 0; quiet < QUIET_TURNS && !this.#isStopped; quiet++) {
      await turn();
      const isWaitingForCode = mindsCode && isCodeBusy();
      if (isWaitingForCode && !clock.isIdling && !isStoreBusy()) await pause();
      if (isWaitingForCode || clock.isIdling || isStoreBusy()) quiet = -1;
    }
  }

  async #nextMs(): Promise<number | null> {
    const { clock, core } = this.#bustle;
    const stored = await core.driver.read((sql) => nextDueMs(sql));
    const due = [clock.nextDueMs, stored].filter((ms) => ms !== null);
    const nextMs = Math.min(...due);
    // The only thing left is the expiry of a runner.
    return nextMs > clock.now() + FAKE_LEASE_MS / 2 ? null : nextMs;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** User code may do something real, such as reading a file. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
