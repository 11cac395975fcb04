import type { ExchangeReply } from "../core/protocol.ts";
import type { ExchangeChannel } from "./channel.ts";
import type { SessionTable } from "./session-table.ts";
import type { WarmJournals } from "./warm.ts";

export interface PollerParts {
  readonly channel: ExchangeChannel;
  readonly sessions: SessionTable;
  readonly warm: WarmJournals;
  /** How long a poll may wait at the coordinator, in milliseconds. */
  readonly waitMs: number;
  /** Lost leases that were heard of and that the coordinator may forget. */
  readonly heard: Set<string>;
  /** Number of the next report; null while one is under way. */
  reportNumber(): number | null;
  onReply(reply: ExchangeReply): void;
  /** The next report is answered with leases that this runner does not know of. */
  onMissed(): void;
}

/** Asks for leases and news, one poll at a time, for as long as the runner lives. */
export class Poller {
  readonly #parts: PollerParts;
  #current: {
    readonly want: number;
    readonly leases: ReadonlySet<string>;
    readonly renew: AbortController;
  } | null = null;

  constructor(parts: PollerParts) {
    this.#parts = parts;
  }

  async run(stop: AbortSignal): Promise<void> {
    const { channel, sessions, warm, waitMs, heard, reportNumber, onReply, onMissed } = this.#parts;
    while (!stop.aborted) {
      const renew = new AbortController();
      const held = sessions.held();
      const want = sessions.ask("poll");
      this.#current = { want, leases: new Set(held.map(({ lease }) => lease)), renew };
      // In the poll itself: one that was sent without them would be answered with them, at once and over again.
      const heardLost = [...heard];
      const reported = reportNumber();
      const body = {
        want,
        isIdle: sessions.busy === 0,
        waitMs,
        held,
        warm: warm.reports(),
        ...(heardLost.length > 0 && { heardLost }),
        ...(reported !== null && { reportNumber: reported }),
      };
      const reply = await channel.exchange(body, AbortSignal.any([stop, renew.signal]));
      sessions.answered("poll");
      if (reply !== null) for (const lease of heardLost) heard.delete(lease);
      if (reply !== null) onReply(reply);
      // A report that was made meanwhile has brought them.
      if (reply?.hasMissed === true && reportNumber() === reported) onMissed();
    }
  }

  /**
   * Polls anew when the poll under way was sent before there was something to ask for: free slots, or a parent that
   * waits for what others execute. Giving a poll up is safe: leases granted under its number come with the next one.
   */
  renew(): void {
    const { sessions } = this.#parts;
    if (this.#current === null) return;
    const isHungry = this.#current.want === 0 && sessions.free > 0;
    if (isHungry || sessions.hasUncovered(this.#current.leases)) this.#current.renew.abort();
  }
}
