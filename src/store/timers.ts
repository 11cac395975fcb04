import type { BulkStatement, Sql, SqlRow } from "./driver.ts";
import type { ActionKey, TimerRow } from "./rows.ts";

const insert: BulkStatement = {
  columns: { due_ms: "int", run_id: "text", action_id: "text", kind: "text", attempt: "int" },
  text: (rows) => `INSERT INTO timers (due_ms, run_id, action_id, kind, attempt)
    SELECT r.due_ms, r.run_id, r.action_id, r.kind, r.attempt FROM ${rows} WHERE true ON CONFLICT DO NOTHING`,
};

const remove: BulkStatement = {
  columns: { due_ms: "int", run_id: "text", action_id: "text", kind: "text", attempt: "int" },
  text: (rows) => `DELETE FROM timers WHERE (due_ms, run_id, action_id, kind, attempt) IN
    (SELECT r.due_ms, r.run_id, r.action_id, r.kind, r.attempt FROM ${rows})`,
};

const removeOfActions: BulkStatement = {
  columns: { run_id: "text", action_id: "text" },
  text: (rows) =>
    `DELETE FROM timers WHERE (run_id, action_id) IN (SELECT r.run_id, r.action_id FROM ${rows})
      AND kind <> 'promote'`,
};

export async function insertTimers(sql: Sql, rows: readonly TimerRow[]): Promise<void> {
  if (rows.length > 0) await sql.bulk(insert, rows as unknown as SqlRow[]);
}

export async function deleteTimers(sql: Sql, rows: readonly TimerRow[]): Promise<void> {
  if (rows.length > 0) await sql.bulk(remove, rows as unknown as SqlRow[]);
}

/** A turn in a line is left: whoever finds that its action needs it no more passes it on. */
export async function deleteTimersOf(sql: Sql, keys: readonly ActionKey[]): Promise<void> {
  if (keys.length > 0) await sql.bulk(removeOfActions, keys as unknown as SqlRow[]);
}

export function readDueTimers(sql: Sql, nowMs: number, limit: number): Promise<TimerRow[]> {
  return sql.all<TimerRow>("SELECT * FROM timers WHERE due_ms <= $1 ORDER BY due_ms LIMIT $2", nowMs, limit);
}

/** When the next timer or runner expiry is due, or null. */
export async function nextDueMs(sql: Sql): Promise<number | null> {
  const timers = await sql.all<{ due: number | null }>("SELECT min(due_ms) AS due FROM timers");
  const runners = await sql.all<{ due: number | null }>("SELECT min(expires_ms) AS due FROM runners");
  const dues = [timers[0]?.due, runners[0]?.due].filter((due) => typeof due === "number");
  return dues.length === 0 ? null : Math.min(...dues);
}
