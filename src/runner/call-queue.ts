import type { NewCall } from "./host.ts";
import type { Session } from "./session.ts";

export interface QueuedCall {
  readonly session: Session;
  readonly call: NewCall;
}

/** Calls that were made and are neither started here nor sent: first in, first out, however many there are. */
export class CallQueue {
  #calls: QueuedCall[] = [];
  #head = 0;

  get size(): number {
    return this.#calls.length - this.#head;
  }

  add(call: QueuedCall): void {
    this.#calls.push(call);
  }

  /** The next call, if it passes `test`. */
  takeIf(test: (call: QueuedCall) => boolean): QueuedCall | undefined {
    const next = this.#calls[this.#head];
    return next === undefined || !test(next) ? undefined : this.take();
  }

  take(): QueuedCall | undefined {
    if (this.#head >= this.#calls.length) return undefined;
    const next = this.#calls[this.#head++];
    // Compacting when half is gone keeps the cost per call constant.
    if (this.#head > 1_024 && this.#head * 2 > this.#calls.length) {
      this.#calls = this.#calls.slice(this.#head);
      this.#head = 0;
    }
    return next;
  }
}
