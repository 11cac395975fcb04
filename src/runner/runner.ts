import { AbortedError, InterruptedError } from "../core/errors.ts";
import { failed, type Outcome } from "../core/outcome.ts";
import {
  type AbortReport,
  type DivergenceReport,
  type ExchangeReply,
  type JournalEntry,
  type LeaseGrant,
  type LogLine,
  type LostLease,
  type OutcomeReport,
  type ParentNews,
  PROTOCOL_VERSION,
  type Refusal,
  type SuspendReport,
  type Transport,
} from "../core/protocol.ts";
import { type Clock, systemClock } from "../ports/clock.ts";
import { systemRandom } from "../ports/random.ts";
import { ExchangeChannel } from "./channel.ts";
import { PendingCheckpoints } from "./checkpoints.ts";
import { enterExecution } from "./console.ts";
import type { SessionHost } from "./host.ts";
import { Journal } from "./journal.ts";
import { loadJournal } from "./load-journal.ts";
import { readGiven } from "./offload.ts";
import { DEFAULT_SLOTS, type RunnerOptions } from "./options.ts";
import { type Parcel, reportedAction } from "./outbox.ts";
import { Outgoing } from "./outgoing.ts";
import { Poller } from "./poller.ts";
import { Redactor } from "./redactor.ts";
import { Reporter } from "./reporter.ts";
import type { RetryParts } from "./retrying.ts";
import { readSecrets } from "./secrets.ts";
import { Session } from "./session.ts";
import { SessionTable } from "./session-table.ts";
import { ValueStore, type Values } from "./values.ts";
import { WarmJournals } from "./warm.ts";

/**
 * Executes actions: leases them up to its free slots, runs sessions, reports what changed and tells sessions what is
 * new. The same on every backend; only the transport and the source of tasks differ.
 *
 * @example
 * const runner = new Runner({ transport: directTransport(core), tasks, pools: ["*"], backend: "local", host, pid });
 * runner.start();
 * await runner.stop({ graceMs: 1_000 });
 */
export class Runner implements SessionHost {
  readonly id: string;
  readonly clock: Clock;
  readonly startUpMs: number;
  readonly endMs: number | null;
  readonly #values: ValueStore;
  readonly outgoing: Outgoing;
  readonly redactor: Redactor = new Redactor();
  readonly #from: Pick<RunnerOptions, "tasks" | "secrets">;
  readonly #transport: Transport;
  readonly #retry: RetryParts;
  readonly #sessions: SessionTable;
  readonly #warm = new WarmJournals();
  readonly #checkpoints = new PendingCheckpoints();
  readonly #heard = new Set<string>();
  readonly #reporter: Reporter;
  readonly #poller: Poller;
  readonly #stopping = new AbortController();
  readonly #stopped = new AbortController();
  #polling: Promise<void> = Promise.resolve();
  #onDrained: () => void = () => undefined;

  constructor(options: RunnerOptions) {
    const { transport, backend, host, pid } = options;
    this.clock = options.clock ?? systemClock;
    const random = options.random ?? systemRandom;
    this.id = options.id ?? `w${random.id()}`;
    this.#from = options;
    this.#transport = transport;
    this.startUpMs = options.startUpMs ?? 20;
    this.endMs = options.endMs ?? null;
    this.#values = new ValueStore(options);
    const slots = options.slots ?? DEFAULT_SLOTS;
    this.#sessions = new SessionTable(slots);
    const pools = options.pools.map((pool) => (pool === "private" ? `~${this.id}` : pool));
    const hello = { id: this.id, protocol: PROTOCOL_VERSION, pools, slots, backend, host, pid };
    this.#retry = { clock: this.clock, random, onRetry: options.onRetry ?? (() => undefined) };
    const parts = { hello, transport, retry: this.#retry };
    const shared = { sessions: this.#sessions, warm: this.#warm };
    this.#reporter = new Reporter(
      {
        ...shared,
        clock: this.clock,
        random,
        channel: new ExchangeChannel("report", parts),
        begin: (grant) => void this.#begin(grant),
        onReply: (parcel, reply) => this.#onReport(parcel, reply),
        onQuiet: () => this.#onChange(),
      },
      this.#stopped.signal,
    );
    this.outgoing = new Outgoing({
      ...{ redactor: this.redactor, checkpoints: this.#checkpoints },
      ...{ sessions: this.#sessions, reporter: this.#reporter },
    });
    this.#poller = new Poller({
      ...shared,
      channel: new ExchangeChannel("poll", parts),
      heard: this.#heard,
      waitMs: options.pollMs ?? 10_000,
      reportNumber: () => this.#reporter.nextNumber,
      onReply: (reply) => this.#take(reply, []),
      onMissed: () => this.#reporter.askForNews(),
    });
  }

  /** Resolves when the runner has stopped: it was told to, or the coordinator declared it lost. */
  get done(): Promise<void> {
    return this.#polling;
  }

  /** Executions whose user code has something to do; waiting parents do not count. */
  get busy(): number {
    return this.#sessions.busy;
  }

  start(): void {
    this.#polling = this.#poller.run(AbortSignal.any([this.#stopping.signal, this.#stopped.signal]));
  }

  /** Hands back what is not done within `graceMs` (queued again, at no cost to any budget) and stops. */
  async stop(options: { readonly graceMs: number }): Promise<void> {
    this.#stopping.abort();
    this.#sessions.isStopping = true;
    if (options.graceMs > 0) await this.#drain(options.graceMs);
    for (const session of this.#sessions.all()) {
      this.#evict(session.grant.lease, new InterruptedError("the runner is shutting down"));
      this.#reporter.add({ kind: "release", lease: session.grant.lease });
    }
    await this.#drain(2_000);
    this.#stopped.abort();
    await this.#polling;
  }

  /** Waits until nothing is executed or reported any more, at most `waitMs`. */
  #drain(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.after(waitMs, resolve);
      this.#onDrained = () => {
        if (this.#sessions.size > 0 || !this.#reporter.isQuiet) return;
        cancel();
        resolve();
      };
      this.#onDrained();
    });
  }

  /** A session or the reporter changed: there may be more to poll for, or nothing left to wait for. */
  #onChange(): void {
    if (this.#reporter.isQuiet) this.#poller.renew();
    this.#onDrained();
  }

  /** What the coordinator has taken: calls are recorded, checkpoints durable, parked parents let go. */
  #onReport(parcel: Parcel, reply: ExchangeReply): void {
    if (!reply.known) return this.#lose();
    for (const { lease, id } of parcel.calls) this.#sessions.get(lease)?.acknowledge(id);
    const leasesOf = (kind: Refusal["kind"]): Set<string> =>
      new Set(reply.refused.filter((refusal) => refusal.kind === kind).map(({ lease }) => lease));
    const unparked = leasesOf("suspension");
    for (const { lease } of parcel.suspensions) if (!unparked.has(lease)) this.#letGo(lease);
    this.#checkpoints.finish(parcel.checkpoints, leasesOf("stale"));
    this.#take(reply, parcel.outcomes);
    // After the news: a parent that may not be parked is given what it has not seen before it asks again.
    for (const refusal of reply.refused) this.#refuse(refusal, parcel.calls);
  }

  /** @param sent outcomes of the request; their values are left out of its reply */
  #take(reply: ExchangeReply, sent: readonly OutcomeReport[]): void {
    if (!reply.known) return this.#lose();
    for (const lost of reply.lost) this.#hear(lost);
    const outcomes = new Map(sent.map((report) => [reportedAction(report), report.outcome]));
    for (const news of reply.news) this.#tell(news, outcomes);
    for (const grant of reply.leases) void this.#begin(grant);
  }

  #hear({ lease, reason, detail }: LostLease): void {
    // `expired` is an answer to what this runner holds; the others are kept for it until it says it has heard.
    if (reason !== "expired") this.#heard.add(lease);
    this.#evict(lease, new AbortedError(detail === "" ? `the lease ended: ${reason}` : detail));
  }

  #tell({ lease, entries, more }: ParentNews, sent: ReadonlyMap<string, Outcome>): void {
    const session = this.#sessions.get(lease);
    if (session === undefined) return;
    const { run } = session.grant;
    const fill = (entry: JournalEntry): JournalEntry =>
      entry.outcome === null ? { ...entry, outcome: sent.get(`${run}/${entry.id}`) ?? null } : entry;
    // A gap: this reply overtook another; asking again from where the session is closes it.
    if (!session.receive(entries.map(fill)) || more) this.#reporter.askForNews();
  }

  #refuse(refusal: Refusal, calls: Parcel["calls"]): void {
    switch (refusal.kind) {
      case "stale":
        return this.#evict(refusal.lease, new AbortedError("the lease is gone"));
      case "suspension":
        return this.#sessions.get(refusal.lease)?.unpark();
      case "claim": {
        // By its claim: this very reply may have brought another lease of the same action.
        const call = calls.find(({ lease, id }) => lease === refusal.lease && id === refusal.id);
        return this.#evict(call?.claim, new AbortedError("the call is executed elsewhere"));
      }
      case "new_call": {
        const session = this.#sessions.get(refusal.lease);
        const detail = `${session?.grant.task} made a call during its replay that is not recorded (${refusal.id})`;
        return session?.diverge("new_call", { action: refusal.id, task: session.grant.task }, detail);
      }
    }
  }

  #letGo(lease: string): void {
    const session = this.#sessions.get(lease);
    if (session === undefined) return;
    this.#warm.keep(session.grant.run, session.grant.action, session.journal);
    this.#evict(lease, new AbortedError("the task is parked; it continues elsewhere"));
  }

  #evict(lease: string | undefined, reason: Error): void {
    const session = lease === undefined ? undefined : this.#sessions.get(lease);
    if (session === undefined) return;
    this.#sessions.remove(session);
    session.drop(reason);
    this.#onChange();
  }

  /** The coordinator declared this runner lost: its leases are void, and others have its actions by now. */
  #lose(): void {
    const reason = "the coordinator does not know this runner any more";
    this.#stopping.abort();
    this.#stopped.abort();
    for (const session of this.#sessions.all())
      this.#evict(session.grant.lease, new InterruptedError(reason));
    this.#checkpoints.fail(reason);
  }

  async #begin(grant: LeaseGrant): Promise<void> {
    if (this.#sessions.get(grant.lease) !== undefined) return;
    const journal = this.#warm.take(grant.run, grant.action) ?? new Journal();
    const session = new Session(this, grant, journal);
    this.#sessions.add(session);
    try {
      await loadJournal(session, {
        transport: this.#transport,
        retry: this.#retry,
        signal: this.#stopped.signal,
      });
      const definition = await this.#from.tasks.find(grant.bundle, grant.task);
      const secrets = await readSecrets(session, this.#from.secrets);
      const given = await readGiven(session.values, grant);
      if (!session.isOver) session.start(definition, secrets, given);
    } catch (error) {
      session.end(failed(error, { task: grant.task, action: grant.action }));
    }
  }

  valuesOf({ project, lease }: LeaseGrant): Values {
    return this.#values.for({ project, lease: () => this.#sessions.whenTold(lease).then(() => lease) });
  }

  enter<Result>(session: Session, run: () => Result): Result {
    const whenKnown = (): Promise<void> => this.#sessions.whenTold(session.grant.lease);
    return enterExecution({ session, whenKnown }, run);
  }

  park(_session: Session, report: SuspendReport): void {
    this.#reporter.add({ kind: "suspension", suspension: report });
  }

  abort(report: AbortReport): void {
    this.#reporter.add({ kind: "abort", abort: { ...report, reason: this.redactor.text(report.reason) } });
  }

  reportLog(lease: string, lines: readonly LogLine[]): void {
    this.#reporter.add({ kind: "log", log: { lease, lines } });
  }

  reportDivergence(report: DivergenceReport): void {
    this.#reporter.add({ kind: "divergence", divergence: report });
  }

  onWaiting(session: Session): void {
    this.#sessions.markWaiting(session);
    this.#onChange();
  }

  onBusy(session: Session): void {
    this.#sessions.markBusy(session);
  }
}
