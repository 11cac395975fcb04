import type { BulkStatement, Sql, SqlRow } from "./driver.ts";
import type { ActionKey } from "./rows.ts";

const select: BulkStatement = {
  columns: { run_id: "text", action_id: "text", attempt: "int" },
  text: (rows) => `SELECT c.run_id AS run_id, c.action_id AS action_id,
      CASE WHEN c.attempt < r.attempt THEN c.value ELSE c.earlier END AS value
    FROM ${rows} JOIN checkpoints c ON c.run_id = r.run_id AND c.action_id = r.action_id`,
};

/** Keeps the latest checkpoint of an action, and the latest that an earlier attempt saved. */
export async function saveCheckpoint(
  sql: Sql,
  at: { readonly runId: string; readonly actionId: string; readonly attempt: number },
  value: string,
): Promise<void> {
  await sql.run(
    `INSERT INTO checkpoints (run_id, action_id, attempt, value) VALUES ($1, $2, $3, $4)
     ON CONFLICT (run_id, action_id) DO UPDATE SET
       earlier = CASE WHEN checkpoints.attempt < excluded.attempt THEN checkpoints.value ELSE checkpoints.earlier END,
       attempt = excluded.attempt, value = excluded.value`,
    at.runId,
    at.actionId,
    at.attempt,
    value,
  );
}

/** What each attempt starts with: the same on all its replays, whatever it has saved itself meanwhile. */
export function readCheckpoints(
  sql: Sql,
  keys: readonly (ActionKey & { readonly attempt: number })[],
): Promise<{ run_id: string; action_id: string; value: string | null }[]> {
  return sql.bulkAll(select, keys as unknown as SqlRow[]);
}
