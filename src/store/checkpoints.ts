import type { BulkStatement, Sql, SqlRow } from "./driver.ts";
import type { ActionKey } from "./rows.ts";

const select: BulkStatement = {
  columns: { run_id: "text", action_id: "text", attempt: "int" },
  text: (rows) => `SELECT c.run_id AS run_id, c.action_id AS action_id,
      CASE WHEN c.attempt < r.attempt THEN c.value ELSE c.earlier END AS value,
      CASE WHEN c.attempt < r.attempt THEN c.seq ELSE c.earlier_seq END AS seq
    FROM ${rows} JOIN checkpoints c ON c.run_id = r.run_id AND c.action_id = r.action_id`,
};

/** What an attempt starts with. */
export interface CheckpointRow {
  readonly run_id: string;
  readonly action_id: string;
  /** Null: no earlier attempt saved one. */
  readonly value: string | null;
  /** The last result its author had seen. */
  readonly seq: number | null;
}

/** Keeps the latest checkpoint of an action, and the latest that an earlier attempt saved. */
export async function saveCheckpoint(
  sql: Sql,
  at: { readonly runId: string; readonly actionId: string; readonly attempt: number },
  { value, seq }: { readonly value: string; readonly seq: number },
): Promise<void> {
  await sql.run(
    `INSERT INTO checkpoints (run_id, action_id, attempt, value, seq) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (run_id, action_id) DO UPDATE SET
       earlier_seq = CASE WHEN checkpoints.attempt < excluded.attempt THEN checkpoints.seq ELSE checkpoints.earlier_seq END,
       seq = excluded.seq,
       earlier = CASE WHEN checkpoints.attempt < excluded.attempt THEN checkpoints.value ELSE checkpoints.earlier END,
       attempt = excluded.attempt, value = excluded.value`,
    at.runId,
    at.actionId,
    at.attempt,
    value,
    seq,
  );
}

/** What each attempt starts with: the same on all its replays, whatever it has saved itself meanwhile. */
export function readCheckpoints(
  sql: Sql,
  keys: readonly (ActionKey & { readonly attempt: number })[],
): Promise<CheckpointRow[]> {
  return sql.bulkAll(select, keys as unknown as SqlRow[]);
}
