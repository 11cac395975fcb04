import type { Sql } from "./driver.ts";
import type { LogChunk } from "./logs.ts";
import { type Page, Parameters } from "./page.ts";

/** Which log is read; null means all actions, or all attempts. */
export interface LogFilter {
  readonly runId: string;
  readonly action: string | null;
  readonly attempt: number | null;
}

/** Chunks are read by action, then attempt, then in the order in which they were written. */
export type LogPosition = readonly [action: string, attempt: number, seq: number];

/** Log chunks after a position. */
export function listLogs(sql: Sql, filter: LogFilter, page: Page<LogPosition>): Promise<LogChunk[]> {
  const parameters = new Parameters();
  const conditions = [`run_id = ${parameters.bind(filter.runId)}`];
  if (filter.action !== null) conditions.push(`action_id = ${parameters.bind(filter.action)}`);
  if (filter.attempt !== null) conditions.push(`attempt = ${parameters.bind(filter.attempt)}`);
  if (page.after !== null) {
    const [action, attempt, seq] = page.after;
    const position = `${parameters.bind(action)}, ${parameters.bind(attempt)}, ${parameters.bind(seq)}`;
    conditions.push(`(action_id, attempt, seq) > (${position})`);
  }
  return sql.all<LogChunk>(
    `SELECT action_id, attempt, seq, body FROM log_chunks WHERE ${conditions.join(" AND ")}
     ORDER BY action_id, attempt, seq LIMIT ${parameters.bind(page.limit)}`,
    ...parameters.values,
  );
}

/** The last chunk of every attempt that has a log: what a follower compares with what it has. */
export function lastChunks(
  sql: Sql,
  filter: LogFilter,
): Promise<{ action_id: string; attempt: number; seq: number }[]> {
  const parameters = new Parameters();
  const conditions = [`run_id = ${parameters.bind(filter.runId)}`];
  if (filter.action !== null) conditions.push(`action_id = ${parameters.bind(filter.action)}`);
  if (filter.attempt !== null) conditions.push(`attempt = ${parameters.bind(filter.attempt)}`);
  return sql.all(
    `SELECT action_id, attempt, max(seq) AS seq FROM log_chunks WHERE ${conditions.join(" AND ")}
     GROUP BY action_id, attempt ORDER BY action_id, attempt`,
    ...parameters.values,
  );
}
