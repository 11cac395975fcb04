import { first, type Sql } from "./driver.ts";
import { type Page, Parameters } from "./page.ts";

/** An API key as it is stored: the hash of its secret, never the secret. */
export interface ApiKeyRow {
  id: string;
  name: string;
  secret_hash: string;
  /** The only project it may touch; null for all. */
  project: string | null;
  /** JSON array. */
  scopes: string;
  created_ms: number;
  expires_ms: number | null;
  last_used_ms: number | null;
  revoked_ms: number | null;
}

export async function insertApiKey(sql: Sql, row: ApiKeyRow): Promise<void> {
  await sql.run(
    `INSERT INTO api_keys (id, name, secret_hash, project, scopes, created_ms, expires_ms, last_used_ms, revoked_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    row.id,
    row.name,
    row.secret_hash,
    row.project,
    row.scopes,
    row.created_ms,
    row.expires_ms,
    row.last_used_ms,
    row.revoked_ms,
  );
}

export function readApiKey(sql: Sql, id: string): Promise<ApiKeyRow | undefined> {
  return first(sql.all<ApiKeyRow>("SELECT * FROM api_keys WHERE id = $1", id));
}

/** Where a page of keys ended. */
export type ApiKeyPosition = readonly [createdMs: number, id: string];

/** Keys of a project, or of all when it is null, oldest first. */
export function listApiKeys(
  sql: Sql,
  project: string | null,
  page: Page<ApiKeyPosition>,
): Promise<ApiKeyRow[]> {
  const parameters = new Parameters();
  const conditions: string[] = [];
  if (project !== null) conditions.push(`project = ${parameters.bind(project)}`);
  if (page.after !== null) {
    const [createdMs, id] = page.after.map((value) => parameters.bind(value));
    conditions.push(`(created_ms, id) > (${createdMs}, ${id})`);
  }
  const where = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  return sql.all<ApiKeyRow>(
    `SELECT * FROM api_keys${where} ORDER BY created_ms, id LIMIT ${parameters.bind(page.limit)}`,
    ...parameters.values,
  );
}

/** Gives a key that is not revoked another secret. */
export async function renewApiKey(sql: Sql, id: string, secretHash: string): Promise<boolean> {
  return (
    (await sql.run(
      "UPDATE api_keys SET secret_hash = $2 WHERE id = $1 AND revoked_ms IS NULL",
      id,
      secretHash,
    )) > 0
  );
}

export async function touchApiKey(sql: Sql, id: string, nowMs: number): Promise<void> {
  await sql.run("UPDATE api_keys SET last_used_ms = $2 WHERE id = $1", id, nowMs);
}

/** Ends a key now; false when there is no such key or it had been ended before. */
export async function revokeApiKey(sql: Sql, id: string, nowMs: number): Promise<boolean> {
  return (
    (await sql.run("UPDATE api_keys SET revoked_ms = $2 WHERE id = $1 AND revoked_ms IS NULL", id, nowMs)) > 0
  );
}
