import type { Clock } from "../ports/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  /** Nothing is due when it fires: whoever set it only looks again, in case that a notification was lost. */
  readonly isPatient: boolean;
  readonly run: () => void;
}

/** Time that stands still until it is moved. What is ready still runs at once, promise jobs included. */
export class FakeClock implements Clock {
  /** The same time for whoever sets timers only to look again: nobody has to move time for them. */
  readonly patient: Clock;
  #nowMs: number;
  #order = 0;
  #idling = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs: number) {
    this.#nowMs = startMs;
    this.patient = {
      now: () => this.#nowMs,
      after: (delayMs, run) => this.#add(delayMs, run, true),
      idle: (run) => this.idle(run),
    };
  }

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    return this.#add(delayMs, run, false);
  }

  idle(run: () => void): () => void {
    this.#idling += 1;
    const immediate = setImmediate(() => {
      this.#idling -= 1;
      isOver = true;
      run();
    });
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#idling -= 1;
      clearImmediate(immediate);
    };
  }

  /** True while something was put off until everything else has run. */
  get isIdling(): boolean {
    return this.#idling > 0;
  }

  /** When the next timer is due for which time has to move; null without any. */
  get nextDueMs(): number | null {
    let next: number | null = null;
    for (const { dueMs, isPatient } of this.#timers)
      if (!isPatient && (next === null || dueMs < next)) next = dueMs;
    return next;
  }

  /** Moves time, never back, and fires what is due by then in its order. */
  moveTo(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, ms);
    const due = [...this.#timers].filter((timer) => timer.dueMs <= this.#nowMs);
    // An earlier one may have cancelled it.
    for (const timer of due.sort((a, b) => a.dueMs - b.dueMs || a.order - b.order))
      if (this.#timers.delete(timer)) timer.run();
  }

  #add(delayMs: number, run: () => void, isPatient: boolean): () => void {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, isPatient, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}
