import { holdBudgetMs, MAX_LISTED_WAITS, type Waits } from "../core/park.ts";
import type { SuspendReport } from "../core/protocol.ts";
import type { SessionCall } from "./call.ts";
import type { SessionHost } from "./host.ts";
import type { Session } from "./session.ts";

/** Time kept before the lease's end to get parked in order. */
const END_MARGIN_MS = 2_000;

/** Decides how long a waiting session is held: see the ski-rental rule in `core/park.ts`. */
export class Holding {
  readonly #session: Session;
  readonly #host: SessionHost;
  /** Time user code was active in this session: what a replay of it would cost. */
  #activeMs = 0;
  #activeSinceMs: number;
  #cancel: (() => void) | null = null;

  constructor(session: Session, host: SessionHost) {
    this.#session = session;
    this.#host = host;
    this.#activeSinceMs = host.clock.now();
  }

  /** The session began to wait. */
  begin(): void {
    const nowMs = this.#host.clock.now();
    this.#activeMs += Math.max(0, nowMs - this.#activeSinceMs);
    this.#activeSinceMs = nowMs;
    this.stop();
    const { suspendMode: mode, isolated } = this.#session.grant;
    // A runner executes nothing beside an isolated action, so one that is held could wait for ever for its own calls.
    if (mode === "always" || isolated) return this.#session.park();
    if (mode === "never") return;
    const budgetMs = holdBudgetMs({ replayMs: this.#activeMs, startUpMs: this.#host.startUpMs });
    this.#cancel = this.#host.clock.after(Math.min(budgetMs, this.#leftMs(nowMs)), () =>
      this.#session.park(),
    );
  }

  /** User code goes on, or the session is over. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#activeSinceMs = this.#host.clock.now();
  }

  /** A backend with a time limit ends the process at a known time; a parent parks itself before. */
  #leftMs(nowMs: number): number {
    const endMs = this.#host.endMs;
    return endMs === null ? Number.POSITIVE_INFINITY : Math.max(0, endMs - END_MARGIN_MS - nowMs);
  }

  report(calls: Iterable<SessionCall>): SuspendReport {
    const { grant, journal, delivery } = this.#session;
    // Calls that a checkpoint let it skip are not missing.
    const issued = Math.max(this.#session.issued, delivery.hasSkipped ? grant.children : 0);
    const replayMs = Math.round(this.#activeMs + this.#host.startUpMs);
    return { lease: grant.lease, seq: journal.seq, issued, replayMs, waits: waitsOf(calls, replayMs) };
  }
}

/** What the awaited, unsettled calls of a session wait for. */
function waitsOf(calls: Iterable<SessionCall>, replayMs: number): Waits {
  const listed: string[] = [];
  const maps = new Map<number, number>();
  for (const call of calls) {
    if (call.state === "settled") continue;
    // All calls of a map count, awaited or not: the map is complete when none of them is left.
    if (call.map !== null) maps.set(call.map, (maps.get(call.map) ?? 0) + 1);
    else if (call.isAwaited) listed.push(call.id);
  }
  return {
    calls: listed.length > MAX_LISTED_WAITS ? null : listed,
    maps: [...maps].map(([map, unsettled]) => ({ map, unsettled })),
    replayMs,
    firstMs: null,
  };
}
