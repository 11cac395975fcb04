import type { ConditionSpec } from "../core/call.ts";
import { AbortedError, NonDeterminismError } from "../core/errors.ts";
import { failed, type Outcome, succeeded } from "../core/outcome.ts";
import type { JournalEntry, LeaseGrant } from "../core/protocol.ts";
import { decodeValue, encodeValue } from "../core/value.ts";
import { invokeTask, type TaskDefinition } from "../sdk/definition.ts";
import {
  type ActionPromise,
  type CheckpointSlot,
  sessionStorage,
  type TaskCall,
  type TaskInfo,
  type TaskLog,
  type TaskSession,
  type TraceCall,
} from "../sdk/session.ts";
import { neverSettles, type SessionCall } from "./call.ts";
import { checkpointSlot } from "./checkpoints.ts";
import { Delivery } from "./delivery.ts";
import { Holding } from "./holding.ts";
import type { SessionHost } from "./host.ts";
import type { Journal } from "./journal.ts";
import { SessionLog } from "./log.ts";
import type { GivenValues } from "./offload.ts";
import { NO_SECRETS, type Secrets, secretReader } from "./secrets.ts";
import { DurableSequence } from "./sequence.ts";
import { type IssuedCall, SessionCalls } from "./session-calls.ts";
import { timeLimitError } from "./time-limit.ts";
import type { Values } from "./values.ts";

/** Why the signal of a finished task fires; shared, because a stack trace for every task would cost more than the task. */
const TASK_ENDED = new AbortedError("the task has ended");

/**
 * One execution of an action: user code, its calls, and the journal it replays.
 *
 * `running`: user code has something to do. `waiting`: it only waits for calls (its slot is free). `parking`: it asked
 * to be parked. `over`: it ended or was dropped; nothing it does has an effect any more.
 */
export class Session implements TaskSession {
  readonly grant: LeaseGrant;
  readonly info: TaskInfo;
  readonly log: TaskLog;
  readonly values: Values;
  readonly blobs: Values["files"];
  checkpoint: CheckpointSlot;
  readonly journal: Journal;
  readonly lines: SessionLog;
  secret: TaskSession["secret"];
  readonly #host: SessionHost;
  /** Made when it is first asked for: most tasks never look at their signal. */
  #abort: AbortController | null = null;
  #ended: Error | null = null;
  readonly #calls: SessionCalls;
  readonly #sequence: DurableSequence;
  readonly delivery: Delivery;
  readonly #holding: Holding;
  readonly #startedMs: number;
  #state: "running" | "waiting" | "parking" | "over" = "running";
  #maps = 0;
  #nowMs: number;
  #hasDiverged = false;
  #cancelLimit: () => void = () => undefined;

  constructor(host: SessionHost, grant: LeaseGrant, journal: Journal) {
    this.#host = host;
    this.grant = grant;
    this.journal = journal;
    this.#startedMs = host.clock.now();
    this.#nowMs = grant.epochMs;
    this.#calls = new SessionCalls(this, host);
    this.#sequence = new DurableSequence(grant.seed, grant.action);
    const { run, action, parent, task, attempt, project, domain, mustEndMs } = grant;
    const { context = {} } = grant.options;
    this.info = { run, action, parent, task, attempt, project, domain, mustEndMs, context };
    this.lines = new SessionLog(grant.lease, host);
    this.log = this.lines;
    this.secret = secretReader(NO_SECRETS, task);
    this.checkpoint = checkpointSlot(this, host, null);
    this.values = host.valuesOf(grant);
    this.blobs = this.values.files;
    this.delivery = new Delivery(this, host);
    this.#holding = new Holding(this, host);
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#ended !== null) this.#abort.abort(this.#ended);
    return this.#abort.signal;
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  /** It only waits for calls and is held. */
  get isWaiting(): boolean {
    return this.#state === "waiting";
  }

  /** Calls made so far, each counted once. */
  get issued(): number {
    return this.#calls.issued;
  }

  /** Calls whose results are not recorded yet. */
  get outstanding(): number {
    return this.#calls.outstanding;
  }

  /** Executes the task; the outcome is reported when it ends, and never when the session was dropped before. */
  start(definition: TaskDefinition, secrets: Secrets = NO_SECRETS, given: GivenValues = this.grant): void {
    this.checkpoint = checkpointSlot(this, this.#host, given.checkpoint);
    this.secret = secretReader(secrets, this.grant.task);
    const { mustEndMs } = this.grant;
    if (mustEndMs !== null)
      this.#cancelLimit = this.#host.clock.after(mustEndMs - this.#startedMs, () => this.#exceed());
    const execute = async (): Promise<Outcome> => {
      try {
        return succeeded(await invokeTask(definition, decodeValue(given.input)));
      } catch (error) {
        return failed(error, { task: this.grant.task, action: this.grant.action });
      }
    };
    void this.#host.enter(this, () => sessionStorage().run(this, execute)).then((end) => this.end(end));
    this.delivery.pump();
  }

  /** Ends the session with an outcome. A session ends once; whatever user code does later has no effect. */
  end(outcome: Outcome): void {
    if (this.isOver) return;
    this.delivery.reportUnissued();
    this.#close(TASK_ENDED);
    this.lines.flush();
    this.#host.outgoing.settle(this, {
      lease: this.grant.lease,
      outcome,
      startedMs: this.#startedMs,
      endedMs: this.#host.clock.now(),
    });
  }

  /** Lets go of the session: parked, aborted or fenced. Its promises never settle; user code is not told by an exception. */
  drop(reason: Error): void {
    if (this.isOver) return;
    this.lines.flush();
    this.#close(reason);
  }

  #close(reason: Error): void {
    this.#state = "over";
    this.#cancelLimit();
    this.#holding.stop();
    this.delivery.stop();
    this.#ended = reason;
    this.#abort?.abort(reason);
  }

  #exceed(): void {
    const { task, action } = this.grant;
    const at = { startedMs: this.#startedMs, nowMs: this.#host.clock.now() };
    this.end(failed(timeLimitError(this.grant, at), { task, action }));
  }

  call(spec: TaskCall): ActionPromise<unknown> {
    const { task, input, options } = spec;
    return this.#issue({ kind: "task", task, input: encodeValue(input), options });
  }

  sleep(ms: number): ActionPromise<void> {
    const call = { kind: "sleep" as const, task: "sleep", input: encodeValue(ms), options: { sleepMs: ms } };
    return this.#issue(call) as ActionPromise<void>;
  }

  condition(spec: ConditionSpec): ActionPromise<unknown> {
    return this.#issue({
      kind: "condition",
      task: spec.name,
      input: encodeValue(spec.prompt),
      options: { condition: spec },
    });
  }

  trace(spec: TraceCall): ActionPromise<unknown> {
    const call = { kind: "trace" as const, task: spec.name, input: encodeValue(spec.args), options: {} };
    return this.#issue(call, spec.execute);
  }

  #issue(of: IssuedCall, execute?: () => unknown): ActionPromise<unknown> {
    if (this.isOver) return neverSettles();
    const promise = this.#calls.issue(of, this.delivery.delivered, execute);
    this.delivery.pump();
    return promise;
  }

  /** The coordinator has taken a call. */
  acknowledge(id: string): void {
    this.#calls.acknowledge(id);
    this.delivery.pump();
  }

  /** New results from the coordinator. */
  receive(entries: readonly JournalEntry[]): boolean {
    const known = this.journal.seq;
    const isWhole = this.journal.append(entries);
    if (this.journal.seq === known) return isWhole;
    for (const { id } of entries) this.#calls.noteRecorded(id);
    if (this.#state === "waiting") this.#holding.stop();
    this.delivery.pump();
    return isWhole;
  }

  /** True when user code made the call. */
  hasIssued(id: string): boolean {
    return this.#calls.hasIssued(id);
  }

  /** A call whose result was not delivered yet. */
  find(id: string): SessionCall | undefined {
    return this.#calls.find(id);
  }

  /** User code goes on: the session takes its slot again. */
  resume(endedMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, endedMs);
    if (this.#state !== "waiting") return;
    this.#state = "running";
    this.#host.onBusy(this);
  }

  /** Gives a recorded outcome to user code. */
  deliver(call: SessionCall, outcome: Outcome): void {
    this.#calls.deliver(call, outcome);
  }

  /** Nothing can be delivered: if user code only waits for recorded calls, the slot is free and the clock of holding runs. */
  onIdle(): void {
    if (this.#state !== "running" || !this.#calls.isOnlyWaiting) return;
    this.#state = "waiting";
    this.#host.onWaiting(this);
    this.#holding.begin();
  }

  /** Asks the coordinator to park this session. */
  park(): void {
    if (this.#state !== "waiting" || this.delivery.delivered < this.journal.seq) return;
    this.#state = "parking";
    this.delivery.reportUnissued();
    this.lines.flush();
    this.#host.park(this, this.#holding.report(this.#calls.pending));
  }

  /** The coordinator had something unseen: the session stays. */
  unpark(): void {
    if (this.#state !== "parking") return;
    this.#state = "waiting";
    this.delivery.pump();
    if (this.#state === "waiting") this.#holding.begin();
  }

  get isParking(): boolean {
    return this.#state === "parking";
  }

  /** A replay left the recorded path. */
  diverge(kind: "missing_call" | "new_call", call: { action: string; task: string }, detail: string): void {
    this.#host.reportDivergence({
      lease: this.grant.lease,
      kind,
      action: call.action,
      task: call.task,
      detail,
    });
    // The first one ends a strict session, and ending it must not look for more.
    if (!this.grant.strict || this.isOver || this.#hasDiverged) return;
    this.#hasDiverged = true;
    const error = new NonDeterminismError(
      `the replay of ${this.grant.task} left its recorded path: ${detail}`,
      { details: { kind, ...call } },
    );
    this.end(failed(error, { task: this.grant.task, action: this.grant.action }));
  }

  now(): number {
    return this.#nowMs;
  }

  random(): number {
    return this.#sequence.number();
  }

  uuid(): string {
    return this.#sequence.uuid();
  }

  nextMap(): number {
    this.#maps += 1;
    return this.#maps;
  }
}
