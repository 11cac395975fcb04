import type { BulkStatement, Sql, SqlRow } from "./driver.ts";
import type { QueueRow } from "./rows.ts";

const insert: BulkStatement = {
  columns: { pool: "text", rank: "int", vtime: "real", run_id: "text", action_id: "text" },
  text: (rows) => `INSERT INTO queue (pool, rank, vtime, run_id, action_id)
    SELECT r.pool, r.rank, r.vtime, r.run_id, r.action_id FROM ${rows} WHERE true ON CONFLICT DO NOTHING`,
};

export async function insertQueue(sql: Sql, rows: readonly QueueRow[]): Promise<void> {
  if (rows.length > 0) await sql.bulk(insert, rows as unknown as SqlRow[]);
}

/**
 * Takes up to `limit` actions off a pool's queue: highest priority first, then lowest virtual time. With `run`, those
 * of this run only.
 *
 * SKIP LOCKED never waits, and nobody else ever locks a queue row (an aborted action's row is left for whoever
 * leases it to drop), so taking rows before locking their runs cannot deadlock. The rows are chosen in a WITH,
 * which is evaluated once: as a plain subquery of IN it may be evaluated again and again, and take more than `limit`.
 */
export async function takeQueue(
  sql: Sql,
  pool: string,
  { limit, run }: { readonly limit: number; readonly run?: string | undefined },
): Promise<QueueRow[]> {
  const ofRun = run === undefined ? "" : " AND run_id = $3";
  const rows = await sql.all<QueueRow>(
    `WITH chosen AS (
       SELECT pool, rank, vtime, run_id, action_id FROM queue WHERE pool = $1${ofRun}
       ORDER BY rank, vtime, run_id, action_id LIMIT $2${sql.dialect.skipLocked}
     )
     DELETE FROM queue WHERE (pool, rank, vtime, run_id, action_id) IN (SELECT * FROM chosen)
     RETURNING pool, rank, vtime, run_id, action_id`,
    pool,
    limit,
    ...(run === undefined ? [] : [run]),
  );
  return rows.sort((a, b) => a.rank - b.rank || a.vtime - b.vtime);
}

/** Virtual time at the head of a pool's queue for one rank, or null when it is empty. */
export async function headOfQueue(sql: Sql, pool: string, rank: number): Promise<number | null> {
  const rows = await sql.all<{ vtime: number }>(
    "SELECT vtime FROM queue WHERE pool = $1 AND rank = $2 ORDER BY pool, rank, vtime LIMIT 1",
    pool,
    rank,
  );
  return rows[0]?.vtime ?? null;
}

/** Highest virtual time a run has in the queue, or null when nothing of it is queued. */
export async function tailOfRun(sql: Sql, runId: string): Promise<number | null> {
  const rows = await sql.all<{ vtime: number }>(
    "SELECT vtime FROM queue WHERE run_id = $1 ORDER BY run_id, vtime DESC LIMIT 1",
    runId,
  );
  return rows[0]?.vtime ?? null;
}

/** The pools that have a backlog; walks the index from pool to pool, so a long backlog costs nothing. */
export async function poolsWithBacklog(sql: Sql): Promise<string[]> {
  const pools: string[] = [];
  let last = "";
  for (;;) {
    const rows = await sql.all<{ pool: string }>(
      "SELECT pool FROM queue WHERE pool > $1 ORDER BY pool LIMIT 1",
      last,
    );
    const next = rows[0]?.pool;
    if (next === undefined) return pools;
    pools.push(next);
    last = next;
  }
}

/** Whether any of these pools has something to lease. */
export async function hasBacklog(sql: Sql, pools: readonly string[]): Promise<boolean> {
  for (const pool of pools) {
    const rows = await sql.all("SELECT 1 AS found FROM queue WHERE pool = $1 LIMIT 1", pool);
    if (rows.length > 0) return true;
  }
  return false;
}

/** Moves what a run has in one pool to another. */
export async function movePool(
  sql: Sql,
  move: { readonly from: string; readonly run: string; readonly to: string },
): Promise<void> {
  await sql.run("UPDATE queue SET pool = $3 WHERE pool = $1 AND run_id = $2", move.from, move.run, move.to);
  await sql.run(
    "UPDATE actions SET pool = $3 WHERE run_id = $2 AND pool = $1 AND ended_ms IS NULL",
    move.from,
    move.run,
    move.to,
  );
  await sql.run("UPDATE runs SET pool = $3 WHERE id = $2 AND pool = $1", move.from, move.run, move.to);
}
