import type { Clock } from "../../ports/clock.ts";
import type { Chance } from "./chance.ts";

/** Something that can die or stand still in the middle of what it does: a runner, a coordinator, the network. */
export class Process {
  readonly name: string;
  /** Until then nothing of it runs, as on a machine that is out of processor time. */
  stalledUntilMs = 0;
  #isAlive = true;
  readonly #mourners = new Set<() => void>();

  constructor(name: string) {
    this.name = name;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** It stops for ever between two steps: nothing that it planned happens. */
  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const mourn of this.#mourners) mourn();
    this.#mourners.clear();
  }

  onDeath(mourn: () => void): () => void {
    this.#mourners.add(mourn);
    return () => this.#mourners.delete(mourn);
  }
}

interface Event {
  dueMs: number;
  /** Decides between events that are due at the same time. */
  readonly tie: number;
  readonly process: Process;
  readonly label: string;
  run: (() => void) | null;
}

export interface TimelineOptions {
  readonly startMs: number;
  readonly chance: Chance;
  /** Whether callbacks that are ready at the same time run in the order in which they were asked for. */
  readonly isFair: boolean;
  /** Probability that something ready has to wait for the processor. */
  readonly lag: number;
}

/** Real turns of the event loop are expensive; one in a while lets the test runner breathe. */
const STEPS_PER_TURN = 2_000;

/**
 * All of time: every timer, idle callback and message of every process is an event in one order, which chance decides
 * where time does not. Events run one at a time, each to the end of all the promise jobs it causes.
 */
export class Timeline {
  nowMs: number;
  steps = 0;
  /** Two runs of the same seed have the same fingerprint. */
  fingerprint = 0x811c9dc5;
  /** Every note, when somebody wants to read them. */
  notes: string[] | null = null;
  readonly #options: TimelineOptions;
  readonly #heap: Event[] = [];
  #order = 0;

  constructor(options: TimelineOptions) {
    this.#options = options;
    this.nowMs = options.startMs;
  }

  /** Notes something that happened, for the fingerprint and for whoever looks for a mistake. */
  note(noted: string): void {
    // Where in a test file a simulation was started is no part of what happened in it.
    const text = noted.replaceAll(STACK_LINES, "");
    let hash = this.fingerprint ^ Math.floor(this.nowMs * 1_000);
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    this.fingerprint = hash >>> 0;
    this.notes?.push(`${(this.nowMs - this.#options.startMs).toFixed(1).padStart(9)} ${text}`);
  }

  after(process: Process, delayMs: number, label: string, run: () => void): () => void {
    const tie = this.#options.isFair ? this.#order++ : this.#options.chance.number();
    const event: Event = { dueMs: this.nowMs + Math.max(0, delayMs), tie, process, label, run };
    this.#push(event);
    return () => {
      event.run = null;
    };
  }

  /** The clock as one process sees it. */
  clockOf(process: Process): Clock {
    const { chance, lag } = this.#options;
    return {
      now: () => Math.floor(this.nowMs),
      after: (delayMs, run) => this.after(process, delayMs, "timer", run),
      idle: (run) => this.after(process, chance.isLucky(lag) ? chance.int(1, 40) : 0, "idle", run),
    };
  }

  /** Runs the next event and all that follows from it at once. False when there is none. */
  async step(): Promise<boolean> {
    const event = this.#pop();
    if (event === undefined) return false;
    const { process, run } = event;
    if (run === null || !process.isAlive) return true;
    if (process.stalledUntilMs > event.dueMs) {
      event.dueMs = process.stalledUntilMs;
      this.#push(event);
      return true;
    }
    this.nowMs = Math.max(this.nowMs, event.dueMs);
    this.steps += 1;
    this.note(`${process.name} ${event.label}`);
    event.run = null;
    run();
    await (this.steps % STEPS_PER_TURN === 0 ? turn() : drained());
    return true;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(event, heap[above] as Event)) break;
      heap[at] = heap[above] as Event;
      at = above;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, heap[below] as Event)) below += 1;
      if (!isBefore(heap[below] as Event, last)) break;
      heap[at] = heap[below] as Event;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

/** Lines of a stack trace, in plain text and inside JSON. */
const STACK_LINES = /(?:\\n|\n)\s+at [^"\n\\]*/g;

function isBefore(a: Event, b: Event): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.tie < b.tie);
}

/** Resolves when no promise job is left: a tick that is asked for in a promise job runs after all of them. */
export function drained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
