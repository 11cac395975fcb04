import type { LogLine } from "../core/protocol.ts";
import type { Sql } from "./driver.ts";
import { type Page, Parameters } from "./page.ts";

interface LogTarget {
  readonly runId: string;
  readonly actionId: string;
  readonly attempt: number;
}

/** Appends lines to the log of a run. The run's lock is held, so the next number is free, and no reader misses one. */
export async function appendLogs(
  sql: Sql,
  target: LogTarget & { readonly lines: readonly LogLine[] },
): Promise<void> {
  await sql.run(
    `INSERT INTO log_chunks (run_id, seq, action_id, attempt, body)
     SELECT $1, coalesce(max(seq), 0) + 1, $2, $3, $4 FROM log_chunks WHERE run_id = $1`,
    target.runId,
    target.actionId,
    target.attempt,
    JSON.stringify(target.lines),
  );
}

/** Lines that one attempt wrote together. */
export interface LogChunk {
  action_id: string;
  attempt: number;
  /** Number within the run, in the order in which they were written. */
  seq: number;
  body: string;
}

/** Which log is read; null means all actions, or all attempts. */
export interface LogFilter {
  readonly runId: string;
  readonly action: string | null;
  readonly attempt: number | null;
}

/** Log chunks after a number. */
export function listLogs(sql: Sql, filter: LogFilter, page: Page<number>): Promise<LogChunk[]> {
  const parameters = new Parameters();
  const conditions = [`run_id = ${parameters.bind(filter.runId)}`];
  if (filter.action !== null) conditions.push(`action_id = ${parameters.bind(filter.action)}`);
  if (filter.attempt !== null) conditions.push(`attempt = ${parameters.bind(filter.attempt)}`);
  if (page.after !== null) conditions.push(`seq > ${parameters.bind(page.after)}`);
  return sql.all<LogChunk>(
    `SELECT action_id, attempt, seq, body FROM log_chunks WHERE ${conditions.join(" AND ")}
     ORDER BY seq LIMIT ${parameters.bind(page.limit)}`,
    ...parameters.values,
  );
}
