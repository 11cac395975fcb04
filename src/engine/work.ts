import type { EventError } from "../core/event.ts";
import { canMove, type Phase } from "../core/phase.ts";
import type { ValueRef } from "../core/value-ref.ts";
import type { Random } from "../ports/random.ts";
import { countCalls, moveActions, readActions, type SettleRow, settleActionRows } from "../store/actions.ts";
import { type AttemptRow, insertAttempts } from "../store/attempts.ts";
import { type DivergenceRow, insertDivergences } from "../store/divergences.ts";
import type { Sql } from "../store/driver.ts";
import { type EdgeRow, edgeRows, insertEdges } from "../store/edges.ts";
import { appendEvents, type StoredEvent } from "../store/events.ts";
import { deleteLeases, insertLeases, insertLostLeases, type LostRow, readHolders } from "../store/leases.ts";
import {
  type ActionKey,
  type ActionRow,
  keyOf,
  type LeaseRow,
  type RunRow,
  type TimerRow,
} from "../store/rows.ts";
import { lockRuns, updateRuns } from "../store/runs.ts";
import { deleteTimersOf, insertTimers } from "../store/timers.ts";
import type { Deployments } from "./deployments.ts";
import { topics } from "./hub.ts";

export interface WorkParts {
  readonly nowMs: number;
  readonly random: Random;
  readonly deployments: Deployments;
}

/**
 * One transaction of the engine: the runs it locked, its picture of their actions, and what it will write.
 *
 * Verbs change the picture (the rows are shared, mutable objects) and note what must be written; `flush` writes it
 * all in a fixed order. Nothing is visible, and nobody is notified, before the transaction has committed.
 */
export class Work {
  readonly sql: Sql;
  readonly nowMs: number;
  readonly random: Random;
  readonly deployments: Deployments;
  /** Topics to notify after the commit. */
  readonly notices: Set<string> = new Set();
  readonly settled: SettleRow[] = [];
  readonly moved: Set<ActionRow> = new Set();
  readonly counted: Set<ActionRow> = new Set();
  readonly #leases = new Map<string, LeaseRow>();
  readonly #unleased: ActionKey[] = [];
  readonly timers: TimerRow[] = [];
  readonly untimed: ActionKey[] = [];
  readonly lost: LostRow[] = [];
  readonly attempts: AttemptRow[] = [];
  readonly divergences: DivergenceRow[] = [];
  readonly edges: EdgeRow[] = [];
  /** Held parents that have news. */
  readonly told: Map<string, ActionKey> = new Map();
  readonly #runs = new Map<string, RunRow>();
  readonly #changedRuns = new Set<RunRow>();
  readonly #actions = new Map<string, ActionRow>();
  readonly #events = new Map<string, StoredEvent[]>();

  constructor(sql: Sql, parts: WorkParts) {
    this.sql = sql;
    this.nowMs = parts.nowMs;
    this.random = parts.random;
    this.deployments = parts.deployments;
  }

  /** Locks runs for the rest of the transaction. Call it once with all of them where several writers are possible. */
  async lock(ids: Iterable<string>): Promise<void> {
    const missing = [...new Set(ids)].filter((id) => !this.#runs.has(id));
    if (missing.length === 0) return;
    for (const run of await lockRuns(this.sql, missing)) this.#runs.set(run.id, run);
  }

  findRun(id: string): RunRow | undefined {
    return this.#runs.get(id);
  }

  run(id: string): RunRow {
    const run = this.#runs.get(id);
    if (run === undefined) throw new Error(`run ${id} is not locked by this transaction`);
    return run;
  }

  addRun(run: RunRow): void {
    this.#runs.set(run.id, run);
    this.#changedRuns.add(run);
  }

  changeRun(run: RunRow): void {
    this.#changedRuns.add(run);
  }

  /** Reads actions into the picture; their runs must be locked. */
  async load(keys: Iterable<ActionKey>): Promise<void> {
    const missing = new Map<string, ActionKey>();
    for (const key of keys) {
      const name = keyOf(key.run_id, key.action_id);
      if (!this.#actions.has(name)) missing.set(name, key);
    }
    if (missing.size === 0) return;
    for (const row of await readActions(this.sql, [...missing.values()])) this.adopt(row);
  }

  /** Takes a row into the picture, or gives the one that is there. */
  adopt<Row extends ActionRow>(row: Row): ActionRow {
    const name = keyOf(row.run_id, row.id);
    const known = this.#actions.get(name);
    if (known !== undefined) return known;
    this.#actions.set(name, row);
    return row;
  }

  action(runId: string, id: string): ActionRow | undefined {
    return this.#actions.get(keyOf(runId, id));
  }

  /** Notes an event of an action (or of the run, with an empty id). */
  emit(
    runId: string,
    what: { action: string; phase: Phase; attempt: number; error?: EventError | undefined },
  ): void {
    const { action, phase, attempt, error } = what;
    const event: StoredEvent =
      error === undefined
        ? [this.nowMs, action, phase, attempt]
        : [this.nowMs, action, phase, attempt, error];
    const events = this.#events.get(runId);
    if (events === undefined) this.#events.set(runId, [event]);
    else events.push(event);
  }

  /** Leases that this transaction grants. */
  get leases(): Iterable<LeaseRow> {
    return this.#leases.values();
  }

  grant(lease: LeaseRow): void {
    this.#leases.set(keyOf(lease.run_id, lease.action_id), lease);
  }

  /** Ends an action's lease, also one that was granted in this very transaction. */
  unlease(row: ActionRow): void {
    if (this.#leases.delete(keyOf(row.run_id, row.id))) return;
    this.#unleased.push({ run_id: row.run_id, action_id: row.id });
  }

  /** Notes the files and folders that an action took or gave. */
  connect(row: ActionRow, direction: EdgeRow["direction"], refs: readonly ValueRef[] | undefined): void {
    if (refs === undefined || refs.length === 0) return;
    const key = { run_id: row.run_id, action_id: row.id };
    this.edges.push(...edgeRows(key, direction, { refs, nowMs: this.nowMs }));
  }

  /** Has `tick` look at an action when a time has come. `attempt`: the one that is meant; 0: whichever it is then. */
  remind(action: Pick<ActionRow, "run_id" | "id">, at: Omit<TimerRow, "run_id" | "action_id">): void {
    this.timers.push({ ...at, run_id: action.run_id, action_id: action.id });
  }

  /** Moves an active action to another active phase. */
  move(row: ActionRow, phase: Phase): void {
    // An illegal transition is a bug of the engine: the transaction is undone and nothing of it is seen.
    if (row.phase !== phase && !canMove(row.phase, phase))
      throw new Error(`action ${row.id} cannot go from ${row.phase} to ${phase}`);
    row.phase = phase;
    this.moved.add(row);
    this.emit(row.run_id, { action: row.id, phase, attempt: row.attempt });
  }

  /** Writes everything that was noted. */
  async flush(): Promise<void> {
    const { sql } = this;
    await moveActions(
      sql,
      [...this.moved].filter((row) => row.ended_ms === null),
    );
    if (this.settled.length > 0) await settleActionRows(sql, this.settled);
    await countCalls(sql, [...this.counted]);
    await deleteLeases(sql, this.#unleased);
    await insertLeases(sql, [...this.#leases.values()]);
    await deleteTimersOf(sql, this.untimed);
    // What was started and ended in this very transaction has nothing to be reminded of; a turn is passed on all the same.
    const isNeeded = ({ run_id, action_id, kind }: TimerRow): boolean =>
      kind === "promote" || (this.action(run_id, action_id)?.ended_ms ?? null) === null;
    await insertTimers(sql, this.timers.filter(isNeeded));
    await insertLostLeases(sql, this.lost);
    await insertAttempts(sql, this.attempts);
    await insertDivergences(sql, this.divergences);
    await insertEdges(sql, this.edges);
    await this.#writeEvents();
    if (this.#changedRuns.size > 0) await updateRuns(sql, [...this.#changedRuns]);
    await this.#noteHolders();
    if (this.timers.length > 0) this.notices.add(topics.tick);
  }

  async #writeEvents(): Promise<void> {
    for (const [runId, events] of this.#events) {
      const run = this.run(runId);
      run.event_seq += events.length;
      this.#changedRuns.add(run);
      await appendEvents(this.sql, runId, run.event_seq, events);
      this.notices.add(topics.run(runId));
    }
  }

  async #noteHolders(): Promise<void> {
    for (const row of this.lost) this.notices.add(topics.runner(row.runner_id));
    const told = [...this.told.values()].filter(
      (key) => this.action(key.run_id, key.action_id)?.phase === "running",
    );
    if (told.length === 0) return;
    for (const holder of await readHolders(this.sql, told)) this.notices.add(topics.runner(holder.runner_id));
  }
}
