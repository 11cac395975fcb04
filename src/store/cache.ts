import { type BulkStatement, first, type Sql, type SqlRow } from "./driver.ts";

export interface CacheRow {
  key: string;
  project: string;
  domain: string;
  task: string;
  run_id: string;
  action_id: string;
  result: string;
  created_ms: number;
}

const select: BulkStatement = {
  columns: { key: "text" },
  text: (rows) => `SELECT c.* FROM ${rows} JOIN cache c ON c.key = r.key`,
};

const upsert: BulkStatement = {
  columns: {
    key: "text",
    project: "text",
    domain: "text",
    task: "text",
    run_id: "text",
    action_id: "text",
    result: "text",
    created_ms: "int",
  },
  text: (rows) => `INSERT INTO cache (key, project, domain, task, run_id, action_id, result, created_ms)
    SELECT r.key, r.project, r.domain, r.task, r.run_id, r.action_id, r.result, r.created_ms FROM ${rows} WHERE true
    ON CONFLICT (key) DO UPDATE SET project = excluded.project, domain = excluded.domain, run_id = excluded.run_id,
      action_id = excluded.action_id, result = excluded.result, created_ms = excluded.created_ms`,
};

export function readCache(sql: Sql, keys: readonly string[]): Promise<CacheRow[]> {
  return sql.bulkAll<CacheRow>(
    select,
    keys.map((key) => ({ key })),
  );
}

export async function writeCache(sql: Sql, rows: readonly CacheRow[]): Promise<void> {
  // One statement may not touch a row twice in PostgreSQL; the last value of a key wins.
  const unique = [...new Map(rows.map((row) => [row.key, row])).values()].sort((a, b) =>
    a.key < b.key ? -1 : 1,
  );
  if (unique.length > 0) await sql.bulk(upsert, unique as unknown as SqlRow[]);
}

/** Who computes a missing entry. */
export interface FillRow {
  key: string;
  run_id: string;
  action_id: string;
}

/**
 * Claims the right to compute an entry; gives who has it. The row stays locked until the transaction ends, so the
 * holder cannot finish, and promote its waiters, between this answer and the caller's joining them.
 */
export async function claimFill(sql: Sql, fill: FillRow): Promise<FillRow> {
  for (;;) {
    await sql.run(
      "INSERT INTO cache_fills (key, run_id, action_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
      fill.key,
      fill.run_id,
      fill.action_id,
    );
    const holder = await first(
      sql.all<FillRow>(`SELECT * FROM cache_fills WHERE key = $1${sql.dialect.forUpdate}`, fill.key),
    );
    // None: its holder finished between the two statements, so that the key is free again.
    if (holder !== undefined) return holder;
  }
}

/** Ends a claim; false when the action did not hold it. */
export async function endFill(sql: Sql, fill: FillRow): Promise<boolean> {
  const changed = await sql.run(
    "DELETE FROM cache_fills WHERE key = $1 AND run_id = $2 AND action_id = $3",
    fill.key,
    fill.run_id,
    fill.action_id,
  );
  return changed > 0;
}
