import { failed } from "../core/outcome.ts";
import type { SessionCall } from "./call.ts";
import type { Session } from "./session.ts";

/** Results that are fetched while user code still waits for the one before. */
const AHEAD = 8;

/**
 * Fetches the results that user code awaits and that are in the blob store, one after the other in the order in which
 * they were asked for: nothing else is delivered meanwhile, so a replay sees them in the same order.
 */
export class ResultReader {
  readonly #session: Session;
  readonly #wanted: SessionCall[] = [];
  #isReading = false;

  constructor(session: Session) {
    this.#session = session;
  }

  add(call: SessionCall): void {
    this.#wanted.push(call);
  }

  /**
   * True while a result is on its way; begins with the next one that is wanted.
   *
   * @param delivered sequence of the last result that was delivered
   */
  read(delivered: number): boolean {
    if (this.#isReading) return true;
    const call = this.#wanted.shift();
    if (call === undefined) return false;
    this.#isReading = true;
    // It takes its slot again: user code goes on for certain.
    this.#session.resume(0);
    this.#prefetch(delivered);
    void this.#fetch(call).then(() => {
      this.#isReading = false;
      this.#session.delivery.pump();
    });
    return true;
  }

  async #fetch(call: SessionCall): Promise<void> {
    try {
      const value = await this.#session.values.read(call.unread ?? "", { action: call.id, what: "result" });
      if (!this.#session.isOver) call.deliver({ ok: true, value });
    } catch (error) {
      // Not an outcome of the call: user code must not see a store that is down, or it would take another path.
      const { task, action } = this.#session.grant;
      this.#session.end(failed(error, { task, action }));
    }
  }

  /** What will be delivered next is fetched at the same time. */
  #prefetch(delivered: number): void {
    const { values } = this.#session;
    for (const { unread } of this.#wanted.slice(0, AHEAD)) if (unread !== null) values.prefetch(unread);
    for (let seq = delivered + 1; seq <= delivered + AHEAD - this.#wanted.length; seq++) {
      const entry = this.#session.journal.at(seq);
      if (entry?.outcome?.ok !== true || this.#session.find(entry.id)?.isAwaited !== true) continue;
      values.prefetch(entry.outcome.value);
    }
  }
}
