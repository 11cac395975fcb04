import type { CallOptions } from "../core/call.ts";
import { failed, type Outcome, succeeded } from "../core/outcome.ts";
import type { LeaseGrant } from "../core/protocol.ts";
import type { EncodedValue } from "../core/value.ts";
import type { ActionPromise } from "../sdk/session.ts";
import { type CallOwner, SessionCall } from "./call.ts";
import { CallIds } from "./call-ids.ts";
import type { SessionHost } from "./host.ts";
import type { Journal } from "./journal.ts";
import type { Session } from "./session.ts";

/** A call as user code makes it. */
export interface IssuedCall {
  readonly kind: SessionCall["kind"];
  readonly task: string;
  readonly input: EncodedValue;
  readonly options: CallOptions;
}

/** The calls of one execution: what was issued, what is on its way, and what user code waits for. */
export class SessionCalls implements CallOwner {
  readonly #session: Session;
  readonly #host: SessionHost;
  readonly #grant: LeaseGrant;
  readonly #journal: Journal;
  /** Calls whose results user code does not have yet. */
  readonly #pending = new Map<string, SessionCall>();
  readonly #ids: CallIds;
  /** Calls with a recorded result that this execution has not made yet. */
  #recorded: Set<string> | null = null;
  /** Calls that the coordinator has not taken yet. */
  #unsent = 0;
  /** Traces that are being executed. */
  #executing = 0;
  /** Calls that user code awaits and that are not settled. */
  #awaited = 0;

  constructor(session: Session, host: SessionHost) {
    this.#session = session;
    this.#host = host;
    this.#grant = session.grant;
    this.#journal = session.journal;
    this.#ids = new CallIds(session.grant.action);
  }

  /** Calls whose results are not recorded yet, however many recorded results belong to calls that were not made. */
  get outstanding(): number {
    // Nothing was called yet.
    if (this.#recorded === null) return 0;
    return this.issued - (this.#journal.seq - this.#recorded.size);
  }

  /** Calls made so far, each counted once. */
  get issued(): number {
    return this.#ids.size;
  }

  /** True when nothing is executed or on its way, and user code awaits something. */
  get isOnlyWaiting(): boolean {
    return this.#unsent === 0 && this.#executing === 0 && this.#awaited > 0;
  }

  /** Calls whose results user code does not have yet. */
  get pending(): Iterable<SessionCall> {
    return this.#pending.values();
  }

  hasIssued(id: string): boolean {
    return this.#ids.has(id);
  }

  find(id: string): SessionCall | undefined {
    return this.#pending.get(id);
  }

  /**
   * Makes a call. A trace is executed here; anything else is sent, unless its result is recorded already.
   *
   * @param delivered sequence of the last result user code has seen
   */
  issue(of: IssuedCall, delivered: number, execute?: () => unknown): ActionPromise<unknown> {
    const id = this.#ids.next(of.task, of.input);
    const call = new SessionCall(this, { id, kind: of.kind, map: of.options.map ?? null });
    this.#pending.set(id, call);
    if (this.#takeRecorded(id)) call.state = "waiting";
    else if (execute !== undefined) this.#execute(call, of, execute);
    else {
      this.#unsent += 1;
      const isReplaying = delivered < this.#grant.parkedSeq;
      const isNew = !isReplaying && this.issued > this.#grant.children && delivered >= this.#grant.settled;
      this.#host.outgoing.send(this.#session, { id, isReplaying, isNew, ...of });
    }
    return call.promise;
  }

  /** Whether a call's result was recorded before this execution made the call. */
  #takeRecorded(id: string): boolean {
    this.#recorded ??= this.#journal.ids();
    return this.#recorded.delete(id);
  }

  /** A result was recorded whose call may not have been made yet. */
  noteRecorded(id: string): void {
    if (!this.#ids.has(id)) this.#recorded?.add(id);
  }

  /** Runs a traced helper; its record is sent when it has ended, and shown to user code when it is durable. */
  #execute(call: SessionCall, { task, input }: IssuedCall, execute: () => unknown): void {
    call.state = "executing";
    this.#executing += 1;
    const startedMs = this.#host.clock.now();
    const { lease } = this.#grant;
    const finish = (outcome: Outcome): void => {
      this.#executing -= 1;
      if (this.#session.isOver) return;
      call.state = "sending";
      this.#unsent += 1;
      const report = { lease, trace: call.id, outcome, startedMs, endedMs: this.#host.clock.now() };
      const made = { lease, id: call.id, kind: "trace" as const, task, input };
      this.#host.outgoing.sendTrace(this.#session, { call: made, outcome: report });
    };
    const run = async (): Promise<Outcome> => {
      try {
        return succeeded(await execute());
      } catch (error) {
        return failed(error, { task, action: call.id });
      }
    };
    void run().then(finish);
  }

  /** The coordinator has taken a call. */
  acknowledge(id: string): void {
    const call = this.#pending.get(id);
    this.#unsent -= 1;
    if (call?.state === "sending") call.state = "waiting";
  }

  /** Gives a recorded outcome to user code. */
  deliver(call: SessionCall, outcome: Outcome): void {
    if (call.isAwaited) this.#awaited -= 1;
    this.#pending.delete(call.id);
    call.deliver(outcome);
    if (call.unread !== null && call.isAwaited) this.#session.delivery.fetch(call);
  }

  onAwaited(call: SessionCall): void {
    if (call.isAwaited) return;
    call.isAwaited = true;
    if (call.unread !== null) this.#session.delivery.fetch(call);
    if (call.state === "settled") return;
    this.#awaited += 1;
    this.#session.delivery.pump();
  }

  abortCall(call: SessionCall, reason: string): void {
    if (call.state === "settled" || this.#session.isOver) return;
    this.#host.abort({ lease: this.#grant.lease, action: call.id, reason });
  }
}
