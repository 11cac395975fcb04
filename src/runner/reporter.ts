import type { ExchangeReply, LeaseGrant } from "../core/protocol.ts";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import { CallQueue, type QueuedCall } from "./call-queue.ts";
import type { ExchangeChannel } from "./channel.ts";
import { callReport, canClaim, claimedGrant } from "./grants.ts";
import { type Item, MAX_CALLS, Outbox, type Parcel } from "./outbox.ts";
import type { SessionTable } from "./session-table.ts";
import type { WarmJournals } from "./warm.ts";

/** How often a report is put off to let started calls end, so that call and outcome are recorded in one go. */
const MAX_ROUNDS = 8;
/** Calls sent out for others while this runner keeps up with its own: a share, so that an idle runner finds work. */
const SHARED_CALLS = 25;

export interface ReporterParts {
  readonly channel: ExchangeChannel;
  readonly sessions: SessionTable;
  readonly warm: WarmJournals;
  readonly clock: Clock;
  readonly random: Random;
  /** Executes a call that this runner starts itself. */
  begin(grant: LeaseGrant): void;
  onReply(parcel: Parcel, reply: ExchangeReply): void;
  /** Nothing is left to report. */
  onQuiet(): void;
}

/** Reports what sessions do, one report at a time: while one is under way, the next one gathers. */
export class Reporter {
  readonly #parts: ReporterParts;
  readonly #stop: AbortSignal;
  readonly #outbox = new Outbox();
  readonly #calls = new CallQueue();
  #isReporting = false;
  #isDue = false;
  #wantsNews = false;

  constructor(parts: ReporterParts, stop: AbortSignal) {
    this.#parts = parts;
    this.#stop = stop;
  }

  /** True when nothing is to be reported and no report is under way. */
  get isQuiet(): boolean {
    return !this.#isReporting && !this.#hasReport;
  }

  /** Number of the next report; null while one is under way or about to be. */
  get nextNumber(): number | null {
    return this.isQuiet ? this.#parts.channel.number : null;
  }

  get #hasReport(): boolean {
    return !this.#outbox.isEmpty || this.#calls.size > 0 || this.#wantsNews;
  }

  add(item: Item): void {
    this.#outbox.add(item);
    this.#reportSoon();
  }

  addCall(call: QueuedCall): void {
    this.#calls.add(call);
    this.#reportSoon();
  }

  /** Asks for the news of held parents even if there is nothing to say. */
  askForNews(): void {
    this.#wantsNews = true;
    this.#reportSoon();
  }

  /** Reports when nothing else moves, so that everything user code did in one go travels together. */
  #reportSoon(): void {
    if (this.#isReporting || this.#isDue) return;
    this.#isDue = true;
    this.#parts.clock.idle(() => {
      this.#isDue = false;
      if (!this.#isReporting) void this.#report();
    });
  }

  async #report(): Promise<void> {
    const { channel, sessions, warm, onReply, onQuiet } = this.#parts;
    this.#isReporting = true;
    while (this.#hasReport && !this.#stop.aborted) {
      await this.#startCalls();
      this.#wantsNews = false;
      const parcel = this.#outbox.take();
      const telling = new Set(parcel.calls.flatMap(({ claim }) => claim ?? []));
      const body = {
        want: sessions.ask("report"),
        isIdle: sessions.busy === 0,
        held: sessions.held({ withParking: true, telling }),
        warm: warm.reports(),
        ...compact(parcel),
      };
      const reply = await channel.exchange(body, this.#stop);
      sessions.answered("report");
      if (reply === null) break;
      for (const lease of telling) sessions.markTold(lease);
      onReply(parcel, reply);
    }
    this.#isReporting = false;
    onQuiet();
  }

  /**
   * Starts waiting calls on free slots and gives them a moment to end, then puts what is left into the outbox: all of
   * it when the slots are taken, a share when this runner keeps up by itself.
   */
  async #startCalls(): Promise<void> {
    const { clock, sessions } = this.#parts;
    for (let round = 0; round < MAX_ROUNDS && this.#outbox.size < MAX_CALLS; round++) {
      if (!this.#claimCalls()) break;
      await new Promise<void>((resolve) => clock.idle(resolve));
    }
    const share = sessions.free > 0 ? SHARED_CALLS : MAX_CALLS;
    for (let sent = 0; sent < share; sent++) {
      const queued = this.#calls.take();
      if (queued === undefined) return;
      // A parent that ended or was parked has nothing to add any more.
      if (queued.session.isOver) continue;
      this.#outbox.add({ kind: "call", call: callReport(queued.session.grant.lease, queued.call) });
    }
  }

  /** Starts as many waiting calls as there are slots. False when none could be started. */
  #claimCalls(): boolean {
    const { sessions, random, clock, begin } = this.#parts;
    let started = 0;
    for (; sessions.free > 0; started++) {
      const queued = this.#calls.takeIf(
        ({ session, call }) => !session.isOver && canClaim(session.grant, call),
      );
      if (queued === undefined) break;
      const { grant } = queued.session;
      const claim = `${grant.run}/${queued.call.id}/${random.nonce(16)}`;
      const epochMs = clock.now();
      this.#outbox.add({ kind: "call", call: { ...callReport(grant.lease, queued.call), claim, epochMs } });
      sessions.markUntold(claim);
      begin(claimedGrant(grant, queued.call, { lease: claim, nowMs: epochMs }));
    }
    return started > 0;
  }
}

/** A request without its empty lists. */
function compact(parcel: Parcel): Partial<Parcel> {
  return Object.fromEntries(Object.entries(parcel).filter(([, list]) => list.length > 0));
}
