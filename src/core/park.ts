/**
 * The ski-rental rule: when to let go of a waiting parent, and when to wake it.
 *
 * Holding a parent costs its memory per millisecond; parking costs one replay. Whoever holds for exactly as long
 * as a replay costs never pays more than twice what the best clairvoyant choice would have paid (Karlin et al.,
 * "Competitive snoopy caching", 1988), and no deterministic rule does better.
 */

/** What a parked parent waits for. Waking too early is safe (it replays and parks again), too late is not. */
export interface Waits {
  /** Awaited calls outside `map`; null: too many to list, any settled call counts. */
  readonly calls: readonly string[] | null;
  /** Awaited `map` groups and how many of their calls are unsettled. */
  readonly maps: readonly MapWait[];
  /** Cost of one replay in milliseconds; a first result may wait this long for company. */
  readonly replayMs: number;
  /** When the first awaited result came in; null before. */
  readonly firstMs: number | null;
}

export interface MapWait {
  readonly map: number;
  readonly unsettled: number;
}

/** Listing more awaited calls than this costs more than a wake-up too many. */
export const MAX_LISTED_WAITS = 1_000;

/** Longest time a parent is held, whatever the measured replay cost: memory is shared by all. */
export const MAX_HOLD_MS = 10_000;

/** A settled call as the waking rule sees it. */
export interface SettledCall {
  readonly id: string;
  readonly map: number | null;
  readonly failed: boolean;
  readonly tolerated: boolean;
}

export type Wake =
  | { readonly kind: "now" }
  /** Wake at this time unless something wakes it earlier. */
  | { readonly kind: "at"; readonly dueMs: number; readonly waits: Waits }
  | { readonly kind: "wait"; readonly waits: Waits };

/** How long a waiting parent is held before it is parked: as long as a replay would cost. */
export function holdBudgetMs(cost: { readonly replayMs: number; readonly startUpMs: number }): number {
  return Math.min(Math.max(0, cost.replayMs) + Math.max(0, cost.startUpMs), MAX_HOLD_MS);
}

/**
 * Whether a parked parent is woken by a batch of its settled calls.
 *
 * At once when everything is in, when every awaited call or one awaited map is complete, or when a call failed
 * that the parent does not tolerate; otherwise when the first result has waited as long as a replay costs.
 *
 * @param waits what the parent said when it parked, as updated by earlier batches
 * @param settled the batch
 * @param outstanding calls of the parent that are still unsettled after the batch
 */
export function wakeAfter(
  waits: Waits,
  settled: readonly SettledCall[],
  outstanding: number,
  nowMs: number,
): Wake {
  if (outstanding === 0) return { kind: "now" };
  if (settled.some((call) => call.failed && !call.tolerated)) return { kind: "now" };
  const ids = new Set(settled.map((call) => call.id));
  const calls = waits.calls === null ? null : waits.calls.filter((id) => !ids.has(id));
  const maps = waits.maps.map((wait) => ({
    map: wait.map,
    unsettled: wait.unsettled - settled.filter((call) => call.map === wait.map).length,
  }));
  const hasAwaited =
    calls === null ? settled.some((call) => call.map === null) : calls.length < (waits.calls?.length ?? 0);
  const isComplete = calls !== null && calls.length === 0 && hasAwaited;
  if (isComplete || maps.some((wait) => wait.unsettled <= 0)) return { kind: "now" };
  const firstMs = waits.firstMs ?? (hasAwaited ? nowMs : null);
  const next: Waits = { calls, maps, replayMs: waits.replayMs, firstMs };
  if (firstMs === null) return { kind: "wait", waits: next };
  const dueMs = firstMs + waits.replayMs;
  return dueMs <= nowMs ? { kind: "now" } : { kind: "at", dueMs, waits: next };
}
