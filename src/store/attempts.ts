import type { BulkStatement, Sql, SqlRow } from "./driver.ts";

/** An attempt that ended without settling its action with success; the last one is in the action's own row. */
export interface AttemptRow {
  run_id: string;
  action_id: string;
  attempt: number;
  runner_id: string | null;
  started_ms: number | null;
  ended_ms: number;
  /** `user` and `system` failures use up that budget; `released` none. */
  end_kind: "user" | "system" | "released";
  error: string | null;
}

const insert: BulkStatement = {
  columns: {
    run_id: "text",
    action_id: "text",
    attempt: "int",
    runner_id: "text",
    started_ms: "int",
    ended_ms: "int",
    end_kind: "text",
    error: "text",
  },
  text: (
    rows,
  ) => `INSERT INTO attempts (run_id, action_id, attempt, runner_id, started_ms, ended_ms, end_kind, error)
    SELECT r.run_id, r.action_id, r.attempt, r.runner_id, r.started_ms, r.ended_ms, r.end_kind, r.error
    FROM ${rows} WHERE true ON CONFLICT DO NOTHING`,
};

export async function insertAttempts(sql: Sql, rows: readonly AttemptRow[]): Promise<void> {
  if (rows.length > 0) await sql.bulk(insert, rows as unknown as SqlRow[]);
}

export function readAttempts(sql: Sql, runId: string, actionId: string): Promise<AttemptRow[]> {
  return sql.all<AttemptRow>(
    "SELECT * FROM attempts WHERE run_id = $1 AND action_id = $2 ORDER BY attempt",
    runId,
    actionId,
  );
}
