import type { BulkStatement, Sql, SqlRow } from "./driver.ts";
import type { ActionKey } from "./rows.ts";

/** Somebody who waits for a key: a concurrency key (`limit:…`) or a cache entry being computed (`cache:…`). */
export interface WaiterRow {
  key: string;
  rank: number;
  vtime: number;
  run_id: string;
  action_id: string;
}

const insertWaiter: BulkStatement = {
  columns: { key: "text", rank: "int", vtime: "real", run_id: "text", action_id: "text" },
  text: (rows) => `INSERT INTO waiters (key, rank, vtime, run_id, action_id)
    SELECT r.key, r.rank, r.vtime, r.run_id, r.action_id FROM ${rows} WHERE true ON CONFLICT DO NOTHING`,
};

const deleteWaiter: BulkStatement = {
  columns: { key: "text", rank: "int", vtime: "real", run_id: "text", action_id: "text" },
  text: (rows) => `DELETE FROM waiters WHERE (key, rank, vtime, run_id, action_id) IN
    (SELECT r.key, r.rank, r.vtime, r.run_id, r.action_id FROM ${rows})`,
};

const insertHolder: BulkStatement = {
  columns: { run_id: "text", action_id: "text", key: "text" },
  text: (rows) => `INSERT INTO concurrency_holders (run_id, action_id, key)
    SELECT r.run_id, r.action_id, r.key FROM ${rows} WHERE true ON CONFLICT DO NOTHING`,
};

const takeHolders: BulkStatement = {
  columns: { run_id: "text", action_id: "text" },
  text: (rows) => `SELECT h.run_id AS run_id, h.action_id AS action_id, h.key AS key
    FROM ${rows} JOIN concurrency_holders h ON h.run_id = r.run_id AND h.action_id = r.action_id`,
};

const dropHolders: BulkStatement = {
  columns: { run_id: "text", action_id: "text" },
  text: (rows) =>
    `DELETE FROM concurrency_holders WHERE (run_id, action_id) IN (SELECT r.run_id, r.action_id FROM ${rows})`,
};

/** Locks one key's counter (made when missing) and gives how many hold it. The limit asked for last is the one in force. */
export async function lockLimit(sql: Sql, key: string, max: number): Promise<number> {
  await sql.run(
    "INSERT INTO concurrency (key, used, max) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING",
    key,
    max,
  );
  const rows = await sql.all<{ used: number }>(
    `SELECT used FROM concurrency WHERE key = $1${sql.dialect.forUpdate}`,
    key,
  );
  return rows[0]?.used ?? 0;
}

export async function countLimit(sql: Sql, key: string, used: number, max: number): Promise<void> {
  await sql.run("UPDATE concurrency SET used = $2, max = $3 WHERE key = $1", key, used, max);
}

/** Gives back `count` holds of a key; gives how many are free then. */
export async function releaseLimit(sql: Sql, key: string, count: number): Promise<number> {
  const rows = await sql.all<{ used: number; max: number }>(
    `SELECT used, max FROM concurrency WHERE key = $1${sql.dialect.forUpdate}`,
    key,
  );
  const row = rows[0];
  if (row === undefined) return 0;
  const used = Math.max(0, row.used - count);
  await sql.run("UPDATE concurrency SET used = $2 WHERE key = $1", key, used);
  return Math.max(0, row.max - used);
}

export async function insertHolders(
  sql: Sql,
  rows: readonly { run_id: string; action_id: string; key: string }[],
): Promise<void> {
  if (rows.length > 0) await sql.bulk(insertHolder, rows as unknown as SqlRow[]);
}

/** Removes what actions hold, and tells what it was. */
export async function removeHolders(sql: Sql, keys: readonly ActionKey[]): Promise<{ key: string }[]> {
  const held = await sql.bulkAll<{ key: string }>(takeHolders, keys as unknown as SqlRow[]);
  if (held.length > 0) await sql.bulk(dropHolders, keys as unknown as SqlRow[]);
  return held;
}

export async function insertWaiters(sql: Sql, rows: readonly WaiterRow[]): Promise<void> {
  if (rows.length > 0) await sql.bulk(insertWaiter, rows as unknown as SqlRow[]);
}

/** Takes the first `limit` waiters of a key off its list. */
export async function takeWaiters(sql: Sql, key: string, limit: number): Promise<WaiterRow[]> {
  const rows = await sql.all<WaiterRow>(
    "SELECT * FROM waiters WHERE key = $1 ORDER BY key, rank, vtime, run_id, action_id LIMIT $2",
    key,
    limit,
  );
  if (rows.length > 0) await sql.bulk(deleteWaiter, rows as unknown as SqlRow[]);
  return rows;
}
