import type { JournalEntry } from "../core/protocol.ts";
import type { SessionCall } from "./call.ts";
import type { SessionHost } from "./host.ts";
import { ResultReader } from "./result-reader.ts";
import type { Session } from "./session.ts";

/**
 * How long a recorded result waits for a replay to issue its call before it counts as dropped. Between two durable
 * calls a task may await something that is not durable (a plain `fetch`), so a call may be late without being lost.
 */
const LATE_CALL_MS = 5_000;

/**
 * Gives results to user code in the order in which they were recorded, one at a time, and lets it run until nothing
 * moves before the next one. A result whose call was not issued (again) yet holds back everything recorded after it:
 * so `race`, `any` and code that asks "which came first" take the same path on every replay.
 */
export class Delivery {
  /** Sequence of the last result that was delivered. */
  delivered = 0;
  /** Whether it went on from a checkpoint. */
  hasSkipped = false;
  readonly #session: Session;
  readonly #host: SessionHost;
  /** Results whose calls a replay failed to issue in time: delivered at once should the call come after all. */
  readonly #skipped = new Map<string, JournalEntry>();
  #cancelStep: (() => void) | null = null;
  #isStopped = false;
  #cancelLate: (() => void) | null = null;
  /** Made when user code first awaits a result that is in the blob store. */
  #results: ResultReader | null = null;

  constructor(session: Session, host: SessionHost) {
    this.#session = session;
    this.#host = host;
  }

  /**
   * The task goes on from a checkpoint: it need not make the calls again whose results it had seen by then. Those it
   * makes all the same get their results at once.
   */
  skipTo(seq: number): void {
    const last = Math.min(seq, this.#session.journal.seq);
    for (; this.delivered < last; this.delivered++) {
      const entry = this.#session.journal.at(this.delivered + 1);
      if (entry !== undefined) this.#skipped.set(entry.id, entry);
    }
    if (last > 0) this.hasSkipped = true;
  }

  /** Looks for something to deliver as soon as nothing else moves. */
  pump(): void {
    if (this.#cancelStep !== null || this.#isStopped) return;
    this.#cancelStep = this.#host.clock.idle(() => {
      this.#cancelStep = null;
      if (!this.#isStopped) this.#step();
    });
  }

  /** User code awaits a result that was delivered as a reference: it goes before whatever is recorded after it. */
  fetch(call: SessionCall): void {
    this.#results ??= new ResultReader(this.#session);
    this.#results.add(call);
    this.pump();
  }

  stop(): void {
    this.#isStopped = true;
    // Many short sessions may end before the event loop turns once; a step that is due would keep each of them.
    this.#cancelStep?.();
    this.#cancelLate?.();
  }

  #step(): void {
    if (this.#session.isParking || this.#results?.read(this.delivered) === true) return;
    if (this.#deliverSkipped()) return this.pump();
    const entry = this.#session.journal.at(this.delivered + 1);
    if (entry === undefined) return this.#session.onIdle();
    const call = this.#session.find(entry.id);
    if (call === undefined || entry.outcome === null) return this.#awaitLateCall(entry);
    this.#cancelLate?.();
    this.#cancelLate = null;
    this.#session.resume(entry.endedMs);
    this.#deliver(entry);
    // A map is awaited as a whole: nothing can tell the order of its results, so they need no pause between them.
    if (call.map !== null) this.#deliverRest(call.map);
    this.pump();
  }

  #deliver(entry: JournalEntry): void {
    this.delivered = entry.seq;
    const call = this.#session.find(entry.id);
    if (call !== undefined && entry.outcome !== null) this.#session.deliver(call, entry.outcome);
  }

  #deliverRest(map: number): void {
    for (;;) {
      const next = this.#session.journal.at(this.delivered + 1);
      if (next === undefined || next.outcome === null || this.#session.find(next.id)?.map !== map) return;
      this.#deliver(next);
    }
  }

  #deliverSkipped(): boolean {
    for (const [id, entry] of this.#skipped) {
      const call = this.#session.find(id);
      if (call === undefined || entry.outcome === null) continue;
      this.#skipped.delete(id);
      this.#session.deliver(call, entry.outcome);
      return true;
    }
    return false;
  }

  #awaitLateCall(entry: JournalEntry): void {
    this.#cancelLate ??= this.#host.clock.after(LATE_CALL_MS, () => {
      this.#cancelLate = null;
      if (this.#isStopped || this.#session.find(entry.id) !== undefined) return this.pump();
      this.#skipped.set(entry.id, entry);
      this.delivered = entry.seq;
      this.#report(entry);
      this.pump();
    });
  }

  /** Recorded results whose calls were never issued: called when the session ends or parks. */
  reportUnissued(): void {
    for (let seq = this.delivered + 1; seq <= this.#session.journal.seq; seq++) {
      const entry = this.#session.journal.at(seq);
      if (entry !== undefined && !this.#session.hasIssued(entry.id)) this.#report(entry);
    }
  }

  #report(entry: JournalEntry): void {
    const { task } = this.#session.grant;
    const detail = `${task} did not make call ${entry.id} again, whose result is recorded as number ${entry.seq}`;
    this.#session.diverge("missing_call", { action: entry.id, task }, detail);
  }
}
