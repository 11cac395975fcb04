/**
 * Start-time fair queueing: every queued action has a virtual start time, and the lowest is leased first.
 *
 * A run's actions are spaced 1 / weight apart. A run with nothing queued starts at the head of its pool's queue, so
 * a one-task run goes next to the front however long another run's backlog is, and a run with twice the weight gets
 * twice the share (Goyal, Vin, Cheng, "Start-time Fair Queueing", 1996).
 */
export interface FairPosition {
  /** Highest virtual time the run has in the queue; null when nothing of it is queued. */
  readonly tail: number | null;
  /** Virtual time at the head of the pool's queue; null when it is empty. */
  readonly head: number | null;
  /** Share of the run; default 1. */
  readonly weight: number;
}

/** Virtual times of the next `count` actions of a run. @example virtualTimes({ tail: 4, head: 2, weight: 1 }, 2) // [5, 6] */
export function virtualTimes(position: FairPosition, count: number): number[] {
  const step = 1 / position.weight;
  const first =
    position.tail === null ? (position.head ?? 0) : Math.max(position.tail + step, position.head ?? 0);
  return Array.from({ length: count }, (_, i) => first + i * step);
}

/** Rank of a priority in the queue: ranks are sorted upwards, priorities downwards. */
export function rankOf(priority: number): number {
  return -Math.trunc(priority);
}
