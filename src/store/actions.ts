import type { BulkStatement, ColumnType, Sql, SqlRow } from "./driver.ts";
import { ACTION_COLUMNS, type ActionKey, type ActionRow, columnsOf } from "./rows.ts";

const COLUMNS: Record<keyof ActionRow | "input" | "result", ColumnType> = {
  run_id: "text",
  id: "text",
  parent_id: "text",
  kind: "text",
  task: "text",
  phase: "text",
  input: "text",
  result: "text",
  options: "text",
  pool: "text",
  ordinal: "int",
  seq: "int",
  attempt: "int",
  user_failures: "int",
  system_failures: "int",
  isolated: "int",
  created_ms: "int",
  queued_ms: "int",
  started_ms: "int",
  ended_ms: "int",
  map_id: "int",
  tolerated: "int",
  group_name: "text",
  children: "int",
  settled: "int",
  parked_seq: "int",
  system_streak: "int",
  progress: "int",
  waits: "text",
  code_hash: "text",
  cache_key: "text",
  epoch_ms: "int",
  deployment: "text",
};

const names = Object.keys(COLUMNS).join(", ");

const insert: BulkStatement = {
  columns: COLUMNS,
  key: ["run_id", "id"],
  text: (rows) =>
    `INSERT INTO actions (${names}) SELECT ${names.replaceAll(/(\w+)/g, "r.$1")} FROM ${rows} WHERE true ON CONFLICT DO NOTHING`,
};

const select: BulkStatement = {
  columns: { run_id: "text", action_id: "text" },
  text: (rows) =>
    `SELECT ${columnsOf("a")} FROM ${rows} JOIN actions a ON a.run_id = r.run_id AND a.id = r.action_id`,
};

const selectWithInput: BulkStatement = {
  columns: { run_id: "text", action_id: "text" },
  text: (rows) =>
    `SELECT ${columnsOf("a")}, a.input AS input FROM ${rows} JOIN actions a ON a.run_id = r.run_id AND a.id = r.action_id`,
};

const selectInput: BulkStatement = {
  columns: { run_id: "text", action_id: "text" },
  text: (rows) => `SELECT a.run_id AS run_id, a.id AS id, a.input AS input
    FROM ${rows} JOIN actions a ON a.run_id = r.run_id AND a.id = r.action_id`,
};

const selectOutcome: BulkStatement = {
  columns: { run_id: "text", action_id: "text" },
  text: (
    rows,
  ) => `SELECT a.run_id AS run_id, a.id AS id, a.phase AS phase, a.result AS result, a.code_hash AS code_hash,
      a.epoch_ms AS epoch_ms, a.ended_ms AS ended_ms, a.deployment AS deployment
    FROM ${rows} JOIN actions a ON a.run_id = r.run_id AND a.id = r.action_id`,
};

// `ended_ms IS NULL` keeps an action from settling twice even if a caller's picture of it were stale.
const settle: BulkStatement = {
  columns: {
    run_id: "text",
    id: "text",
    phase: "text",
    result: "text",
    seq: "int",
    started_ms: "int",
    ended_ms: "int",
  },
  key: ["run_id", "id"],
  text: (
    rows,
  ) => `UPDATE actions SET phase = r.phase, result = r.result, seq = r.seq, started_ms = r.started_ms,
      ended_ms = r.ended_ms, waits = NULL
    FROM ${rows} WHERE actions.run_id = r.run_id AND actions.id = r.id AND actions.ended_ms IS NULL`,
};

const move: BulkStatement = {
  columns: {
    run_id: "text",
    id: "text",
    phase: "text",
    attempt: "int",
    user_failures: "int",
    system_failures: "int",
    isolated: "int",
    queued_ms: "int",
    started_ms: "int",
    waits: "text",
    pool: "text",
    parked_seq: "int",
    system_streak: "int",
    progress: "int",
  },
  key: ["run_id", "id"],
  text: (rows) => `UPDATE actions SET phase = r.phase, attempt = r.attempt, user_failures = r.user_failures,
      system_failures = r.system_failures, isolated = r.isolated, queued_ms = r.queued_ms, started_ms = r.started_ms,
      waits = r.waits, pool = r.pool, parked_seq = r.parked_seq,
      system_streak = r.system_streak, progress = r.progress
    FROM ${rows} WHERE actions.run_id = r.run_id AND actions.id = r.id AND actions.ended_ms IS NULL`,
};

const count: BulkStatement = {
  columns: { run_id: "text", id: "text", children: "int", settled: "int", waits: "text" },
  key: ["run_id", "id"],
  text: (rows) => `UPDATE actions SET children = r.children, settled = r.settled, waits = r.waits
    FROM ${rows} WHERE actions.run_id = r.run_id AND actions.id = r.id`,
};

/** An action with its values, as it is first written. */
export interface NewAction extends ActionRow {
  input: string;
  result: string | null;
}

/** Inserts calls; false for one that exists already (a replay or a repeated request sent it before). */
export function insertActions(sql: Sql, rows: readonly NewAction[]): Promise<boolean[]> {
  return sql.bulk(insert, rows as unknown as SqlRow[]);
}

const number: BulkStatement = {
  columns: { run_id: "text", id: "text", ordinal: "int" },
  key: ["run_id", "id"],
  text: (rows) => `UPDATE actions SET ordinal = r.ordinal
    FROM ${rows} WHERE actions.run_id = r.run_id AND actions.id = r.id`,
};

/** Numbers calls anew that were inserted in this transaction. */
export async function writeOrdinals(
  sql: Sql,
  rows: readonly Pick<ActionRow, "run_id" | "id" | "ordinal">[],
): Promise<void> {
  if (rows.length > 0) await sql.bulk(number, rows as unknown as SqlRow[]);
}

export function readActions(sql: Sql, keys: readonly ActionKey[]): Promise<ActionRow[]> {
  return sql.bulkAll<ActionRow>(select, keys as unknown as SqlRow[]);
}

/** The same with their inputs, for whoever is going to execute them. */
export function readActionsWithInput(
  sql: Sql,
  keys: readonly ActionKey[],
): Promise<(ActionRow & { input: string })[]> {
  return sql.bulkAll(selectWithInput, keys as unknown as SqlRow[]);
}

export function readInputs(
  sql: Sql,
  keys: readonly ActionKey[],
): Promise<{ run_id: string; id: string; input: string }[]> {
  return sql.bulkAll(selectInput, keys as unknown as SqlRow[]);
}

/** What an action ended with, for recovery and for the cache. */
export type OutcomeRow = Pick<
  ActionRow,
  "run_id" | "id" | "phase" | "code_hash" | "epoch_ms" | "ended_ms" | "deployment"
> & {
  result: string | null;
};

export function readOutcomes(sql: Sql, keys: readonly ActionKey[]): Promise<OutcomeRow[]> {
  return sql.bulkAll<OutcomeRow>(selectOutcome, keys as unknown as SqlRow[]);
}

export type SettleRow = Pick<ActionRow, "run_id" | "id" | "phase" | "seq" | "started_ms" | "ended_ms"> & {
  result: string;
};

export function settleActionRows(sql: Sql, rows: readonly SettleRow[]): Promise<boolean[]> {
  return sql.bulk(settle, rows as unknown as SqlRow[]);
}

/** Writes the changeable state of active actions. */
export async function moveActions(sql: Sql, rows: readonly ActionRow[]): Promise<void> {
  if (rows.length > 0) await sql.bulk(move, rows as unknown as SqlRow[]);
}

/** Writes how many calls parents have made and seen settled. */
export async function countCalls(sql: Sql, parents: readonly ActionRow[]): Promise<void> {
  if (parents.length > 0) await sql.bulk(count, parents as unknown as SqlRow[]);
}

/** All active actions of a run: only for cascades, which touch them all anyway. */
export function readActiveActions(sql: Sql, runId: string): Promise<ActionRow[]> {
  return sql.all<ActionRow>(
    `SELECT ${ACTION_COLUMNS} FROM actions WHERE run_id = $1 AND ended_ms IS NULL`,
    runId,
  );
}

/** A page of a parent's journal, in the order in which results were recorded. */
export function readJournal(
  sql: Sql,
  at: { readonly runId: string; readonly parentId: string; readonly since: number; readonly limit: number },
): Promise<JournalRow[]> {
  return sql.all<JournalRow>(
    `SELECT seq, id, phase, result, ended_ms FROM actions
     WHERE run_id = $1 AND parent_id = $2 AND seq IS NOT NULL AND seq > $3 ORDER BY seq LIMIT $4`,
    at.runId,
    at.parentId,
    at.since,
    at.limit,
  );
}

export interface JournalRow {
  seq: number;
  id: string;
  phase: ActionRow["phase"];
  result: string;
  ended_ms: number;
}
