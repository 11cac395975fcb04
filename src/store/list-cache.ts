import type { CacheRow } from "./cache.ts";
import { first, type Sql } from "./driver.ts";
import { type Page, Parameters } from "./page.ts";

/** Whose cache entries are listed; null means any. */
export interface CacheFilter {
  readonly project: string | null;
  readonly domain: string | null;
  readonly task: string | null;
}

/** A cache entry without its value. */
export type CacheEntryRow = Omit<CacheRow, "result">;

const COLUMNS = "key, project, domain, task, run_id, action_id, created_ms";

/** Cache entries in the order of their keys. */
export function listCache(sql: Sql, filter: CacheFilter, page: Page<string>): Promise<CacheEntryRow[]> {
  const parameters = new Parameters();
  const conditions = [`key > ${parameters.bind(page.after ?? "")}`];
  for (const column of ["project", "domain", "task"] as const) {
    const value = filter[column];
    if (value !== null) conditions.push(`${column} = ${parameters.bind(value)}`);
  }
  return sql.all<CacheEntryRow>(
    `SELECT ${COLUMNS} FROM cache WHERE ${conditions.join(" AND ")} ORDER BY key LIMIT ${parameters.bind(page.limit)}`,
    ...parameters.values,
  );
}

export function readCacheEntry(sql: Sql, key: string): Promise<CacheEntryRow | undefined> {
  return first(sql.all<CacheEntryRow>(`SELECT ${COLUMNS} FROM cache WHERE key = $1`, key));
}

/** Forgets an entry; false when it was not there. */
export async function deleteCacheEntry(sql: Sql, key: string): Promise<boolean> {
  return (await sql.run("DELETE FROM cache WHERE key = $1", key)) > 0;
}
