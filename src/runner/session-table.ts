import type { Channel, HeldReport } from "../core/protocol.ts";
import type { Session } from "./session.ts";

/** Part of the slots that a waiting poll asks for. */
const POLL_SHARE = 0.25;

/** The sessions of one runner and the slots they take. A waiting parent takes none. */
export class SessionTable {
  readonly #slots: number;
  readonly #sessions = new Map<string, Session>();
  readonly #busy = new Set<Session>();
  /** Leases this runner made itself, by starting a call, and that the coordinator has not taken yet. */
  readonly #untold = new Set<string>();
  /** Who waits for the coordinator to hear of a lease. */
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #asked: Record<Channel, number> = { report: 0, poll: 0 };
  #isIsolated = false;
  isStopping = false;

  constructor(slots: number) {
    this.#slots = slots;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Sessions that take a slot: their user code has something to do. */
  get busy(): number {
    return this.#busy.size;
  }

  /** Free slots. Beside an isolated action there are none. */
  get free(): number {
    return this.isStopping || this.#isIsolated ? 0 : Math.max(0, this.#slots - this.#busy.size);
  }

  /**
   * Leases to ask for on a channel, as far as the other one has not asked already. A poll asks for a part only: it is
   * on its way for long, and what it asked for may be taken by calls that start here meanwhile.
   */
  ask(channel: Channel): number {
    const { report, poll } = this.#asked;
    const left = Math.max(0, this.free - (channel === "report" ? poll : report));
    this.#asked[channel] = channel === "poll" ? Math.min(left, Math.ceil(this.#slots * POLL_SHARE)) : left;
    return this.#asked[channel];
  }

  /** The exchange on a channel is over. */
  answered(channel: Channel): void {
    this.#asked[channel] = 0;
  }

  add(session: Session): void {
    this.#sessions.set(session.grant.lease, session);
    this.#busy.add(session);
    if (session.grant.isolated) this.#isIsolated = true;
  }

  /** The lease was made here, and the coordinator does not know of it yet. */
  markUntold(lease: string): void {
    this.#untold.add(lease);
  }

  markTold(lease: string): void {
    this.#untold.delete(lease);
    for (const resolve of this.#waiting.get(lease) ?? []) resolve();
    this.#waiting.delete(lease);
  }

  /** Resolves when the coordinator has heard of a lease. */
  whenTold(lease: string): Promise<void> {
    if (!this.#untold.has(lease)) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(lease);
      if (waiting === undefined) this.#waiting.set(lease, [resolve]);
      else waiting.push(resolve);
    });
  }

  get(lease: string): Session | undefined {
    return this.#sessions.get(lease);
  }

  /** False when it was not there (any more). */
  remove(session: Session): boolean {
    if (!this.#sessions.delete(session.grant.lease)) return false;
    this.#busy.delete(session);
    if (session.grant.isolated) this.#isIsolated = false;
    return true;
  }

  all(): Session[] {
    return [...this.#sessions.values()];
  }

  markWaiting(session: Session): void {
    this.#busy.delete(session);
  }

  markBusy(session: Session): void {
    if (this.#sessions.has(session.grant.lease)) this.#busy.add(session);
  }

  /**
   * Parents with calls in flight, and the last result each of them has. Parents that ask to be parked are listed in
   * the report that asks: if that is refused, its reply must bring what they have not seen. A lease that the
   * coordinator has not heard of would be answered as lost, so it is listed in the report that tells it at the earliest.
   */
  held(
    options: { readonly withParking?: boolean; readonly telling?: ReadonlySet<string> } = {},
  ): HeldReport[] {
    const { withParking = false, telling } = options;
    const held: HeldReport[] = [];
    for (const [lease, session] of this.#sessions) {
      if ((session.isParking && !withParking) || session.outstanding === 0) continue;
      if (this.#untold.has(lease) && telling?.has(lease) !== true) continue;
      held.push({ lease, seq: session.journal.seq });
    }
    return held;
  }

  /** Whether a waiting parent is missing in `covered`, and something it waits for is executed elsewhere. */
  hasUncovered(covered: ReadonlySet<string>): boolean {
    const waiting = this.all().filter((session) => session.isWaiting && !covered.has(session.grant.lease));
    if (waiting.length === 0) return false;
    // Results of children that are executed here come with the reply to their own report.
    const local = new Map<string, number>();
    for (const { grant } of this.#sessions.values()) {
      const parent = `${grant.run}/${grant.parent}`;
      local.set(parent, (local.get(parent) ?? 0) + 1);
    }
    return waiting.some(
      ({ grant, outstanding }) => outstanding > (local.get(`${grant.run}/${grant.action}`) ?? 0),
    );
  }
}
