import type { BulkStatement, Sql, SqlRow } from "./driver.ts";
import type { RunRow } from "./rows.ts";

const COLUMNS: Record<keyof RunRow, "text" | "int" | "real"> = {
  id: "text",
  project: "text",
  domain: "text",
  task: "text",
  deployment: "text",
  pool: "text",
  phase: "text",
  created_ms: "int",
  started_ms: "int",
  ended_ms: "int",
  created_by: "text",
  labels: "text",
  context: "text",
  seed: "text",
  epoch_ms: "int",
  sdk_version: "int",
  suspend_mode: "text",
  strict: "int",
  cache_mode: "text",
  priority: "int",
  weight: "real",
  action_limit: "int",
  origin_run: "text",
  origin_kind: "text",
  force: "text",
  changed_only: "int",
  error: "text",
  event_seq: "int",
  actions: "int",
  divergences: "int",
};

const names = Object.keys(COLUMNS).join(", ");

const insert: BulkStatement = {
  columns: COLUMNS,
  key: ["id"],
  text: (rows) =>
    `INSERT INTO runs (${names}) SELECT ${names.replaceAll(/(\w+)/g, "r.$1")} FROM ${rows} WHERE true ON CONFLICT DO NOTHING`,
};

const update: BulkStatement = {
  columns: {
    id: "text",
    phase: "text",
    started_ms: "int",
    ended_ms: "int",
    error: "text",
    event_seq: "int",
    actions: "int",
    divergences: "int",
  },
  key: ["id"],
  text: (
    rows,
  ) => `UPDATE runs SET phase = r.phase, started_ms = r.started_ms, ended_ms = r.ended_ms, error = r.error,
      event_seq = r.event_seq, actions = r.actions, divergences = r.divergences
    FROM ${rows} WHERE runs.id = r.id`,
};

/** Inserts a run; false when the id is taken. */
export async function insertRun(sql: Sql, run: RunRow): Promise<boolean> {
  return (await sql.bulk(insert, [run as unknown as SqlRow]))[0] === true;
}

/**
 * Locks runs until the transaction ends, in id order, so that two transactions never wait for each other.
 * Every change to anything inside a run happens under this lock: it makes news sequences gapless.
 */
export function lockRuns(sql: Sql, ids: readonly string[]): Promise<RunRow[]> {
  const list = JSON.stringify([...new Set(ids)].sort());
  return sql.all<RunRow>(
    `SELECT * FROM runs WHERE ${sql.dialect.isOneOf("id", 1)} ORDER BY id${sql.dialect.forUpdate}`,
    list,
  );
}

export async function updateRuns(sql: Sql, runs: readonly RunRow[]): Promise<void> {
  await sql.bulk(update, runs as unknown as SqlRow[]);
}

export function readRuns(sql: Sql, ids: readonly string[]): Promise<RunRow[]> {
  return sql.all<RunRow>(`SELECT * FROM runs WHERE ${sql.dialect.isOneOf("id", 1)}`, JSON.stringify(ids));
}
