import { first, type Sql } from "./driver.ts";

export interface ConditionRow {
  run_id: string;
  action_id: string;
  name: string;
  prompt: string | null;
  schema_json: string | null;
  created_ms: number;
  due_ms: number | null;
  answered_ms: number | null;
  answered_by: string | null;
  answer: string | null;
}

export type NewCondition = Omit<ConditionRow, "answered_ms" | "answered_by" | "answer">;

export async function insertCondition(sql: Sql, row: NewCondition): Promise<void> {
  await sql.run(
    `INSERT INTO conditions (run_id, action_id, name, prompt, schema_json, created_ms, due_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
    row.run_id,
    row.action_id,
    row.name,
    row.prompt,
    row.schema_json,
    row.created_ms,
    row.due_ms,
  );
}

/** A condition of a run by action id, or by name (the oldest one of that name that still waits first). */
export function findCondition(
  sql: Sql,
  runId: string,
  nameOrAction: string,
): Promise<ConditionRow | undefined> {
  return first(
    sql.all<ConditionRow>(
      `SELECT c.* FROM conditions c JOIN actions a ON a.run_id = c.run_id AND a.id = c.action_id
       WHERE c.run_id = $1 AND (c.action_id = $2 OR c.name = $2)
       ORDER BY CASE WHEN c.action_id = $2 THEN 0 ELSE 1 END, CASE WHEN a.phase = 'paused' THEN 0 ELSE 1 END,
         CASE WHEN c.answered_ms IS NULL THEN 0 ELSE 1 END, c.created_ms, c.action_id LIMIT 1`,
      runId,
      nameOrAction,
    ),
  );
}

export async function answerCondition(
  sql: Sql,
  at: {
    readonly runId: string;
    readonly actionId: string;
    readonly nowMs: number;
    readonly by: string | null;
    readonly answer: string;
  },
): Promise<void> {
  await sql.run(
    `UPDATE conditions SET answered_ms = $3, answered_by = $4, answer = $5
     WHERE run_id = $1 AND action_id = $2 AND answered_ms IS NULL`,
    at.runId,
    at.actionId,
    at.nowMs,
    at.by,
    at.answer,
  );
}

/** Conditions that wait for an answer, oldest first. */
export function readOpenConditions(
  sql: Sql,
  at: {
    readonly project: string;
    readonly domain: string;
    readonly runId: string | null;
    readonly limit: number;
  },
): Promise<ConditionRow[]> {
  return sql.all<ConditionRow>(
    `SELECT c.* FROM conditions c
     JOIN actions a ON a.run_id = c.run_id AND a.id = c.action_id
     JOIN runs r ON r.id = c.run_id
     WHERE a.phase = 'paused' AND r.project = $1 AND r.domain = $2 AND (CAST($3 AS TEXT) IS NULL OR c.run_id = $3)
     ORDER BY c.created_ms LIMIT $4`,
    at.project,
    at.domain,
    at.runId,
    at.limit,
  );
}
