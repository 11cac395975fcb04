import type { LogLine } from "../core/protocol.ts";
import type { Sql } from "./driver.ts";

interface LogTarget {
  readonly runId: string;
  readonly actionId: string;
  readonly attempt: number;
}

/** Appends lines to an attempt's log. The run's lock is held, so the next number is free. */
export async function appendLogs(
  sql: Sql,
  target: LogTarget & { readonly lines: readonly LogLine[] },
): Promise<void> {
  await sql.run(
    `INSERT INTO log_chunks (run_id, action_id, attempt, seq, body)
     SELECT $1, $2, $3, coalesce(max(seq), 0) + 1, $4 FROM log_chunks WHERE run_id = $1 AND action_id = $2 AND attempt = $3`,
    target.runId,
    target.actionId,
    target.attempt,
    JSON.stringify(target.lines),
  );
}

export interface LogChunk {
  action_id: string;
  attempt: number;
  seq: number;
  body: string;
}

/** Log chunks of an action (or of the whole run), in order. */
export function readLogs(
  sql: Sql,
  at: {
    readonly runId: string;
    readonly actionId: string | null;
    readonly limit: number;
    readonly offset: number;
  },
): Promise<LogChunk[]> {
  return sql.all<LogChunk>(
    `SELECT action_id, attempt, seq, body FROM log_chunks
     WHERE run_id = $1 AND (CAST($2 AS TEXT) IS NULL OR action_id = $2)
     ORDER BY action_id, attempt, seq LIMIT $3 OFFSET $4`,
    at.runId,
    at.actionId,
    at.limit,
    at.offset,
  );
}
