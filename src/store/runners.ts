import type { RunnerHello } from "../core/protocol.ts";
import { first, type Sql } from "./driver.ts";

export interface RunnerRow {
  id: string;
  backend: string;
  host: string;
  pid: number;
  pools: string;
  slots: number;
  registered_ms: number;
  expires_ms: number;
  report_n: number;
  poll_n: number;
}

export function readRunner(sql: Sql, id: string): Promise<RunnerRow | undefined> {
  return first(sql.all<RunnerRow>("SELECT * FROM runners WHERE id = $1", id));
}

export function readRunners(sql: Sql): Promise<RunnerRow[]> {
  return sql.all<RunnerRow>("SELECT * FROM runners ORDER BY id");
}

export async function insertRunner(
  sql: Sql,
  hello: RunnerHello,
  nowMs: number,
  expiresMs: number,
): Promise<void> {
  await sql.run(
    `INSERT INTO runners (id, backend, host, pid, pools, slots, registered_ms, expires_ms, report_n, poll_n)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0) ON CONFLICT DO NOTHING`,
    hello.id,
    hello.backend,
    hello.host,
    hello.pid,
    JSON.stringify(hello.pools),
    hello.slots,
    nowMs,
    expiresMs,
  );
}

/**
 * Closes exchange `number` of a channel: no lease is ever granted under it, or under an earlier one, again.
 * False when it was closed before (a repeated request) or the runner is gone.
 */
export async function closeExchange(
  sql: Sql,
  at: { readonly runner: string; readonly column: "report_n" | "poll_n"; readonly number: number },
): Promise<boolean> {
  const changed = await sql.run(
    `UPDATE runners SET ${at.column} = $2 WHERE id = $1 AND ${at.column} < $2`,
    at.runner,
    at.number,
  );
  return changed > 0;
}

export async function extendRunner(sql: Sql, id: string, expiresMs: number): Promise<void> {
  await sql.run("UPDATE runners SET expires_ms = $2 WHERE id = $1 AND expires_ms < $2", id, expiresMs);
}

export function readExpiredRunners(sql: Sql, nowMs: number, limit: number): Promise<RunnerRow[]> {
  return sql.all<RunnerRow>(
    "SELECT * FROM runners WHERE expires_ms <= $1 ORDER BY id LIMIT $2",
    nowMs,
    limit,
  );
}

export async function deleteRunner(sql: Sql, id: string): Promise<void> {
  await sql.run("DELETE FROM lost_leases WHERE runner_id = $1", id);
  await sql.run("DELETE FROM runners WHERE id = $1", id);
}
