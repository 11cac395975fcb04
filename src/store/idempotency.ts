import { first, type Sql } from "./driver.ts";

/** A request that is answered once, however often it is sent. */
export interface IdempotencyRow {
  /** Who sent it: keys of different callers are different keys. */
  scope: string;
  key: string;
  request_hash: string;
  created_ms: number;
  /** Status of the reply; null while the request has none. */
  status: number | null;
  /** The reply; without one, the note of whoever is working on it. */
  body: string | null;
}

/** Claims a key; false when it is there already. */
export async function insertIdempotency(
  sql: Sql,
  row: Pick<IdempotencyRow, "scope" | "key" | "request_hash" | "created_ms" | "body">,
): Promise<boolean> {
  const changed = await sql.run(
    `INSERT INTO idempotency (scope, key, request_hash, created_ms, status, body)
     VALUES ($1, $2, $3, $4, NULL, $5) ON CONFLICT DO NOTHING`,
    row.scope,
    row.key,
    row.request_hash,
    row.created_ms,
    row.body,
  );
  return changed > 0;
}

export function readIdempotency(sql: Sql, scope: string, key: string): Promise<IdempotencyRow | undefined> {
  return first(
    sql.all<IdempotencyRow>("SELECT * FROM idempotency WHERE scope = $1 AND key = $2", scope, key),
  );
}

/** Replaces the note of an unanswered claim; false when somebody else did so first. */
export async function renewIdempotency(
  sql: Sql,
  claim: { readonly scope: string; readonly key: string; readonly from: string; readonly to: string },
): Promise<boolean> {
  const changed = await sql.run(
    "UPDATE idempotency SET body = $4 WHERE scope = $1 AND key = $2 AND status IS NULL AND body = $3",
    claim.scope,
    claim.key,
    claim.from,
    claim.to,
  );
  return changed > 0;
}

/** Keeps the reply to an unanswered claim. */
export async function answerIdempotency(
  sql: Sql,
  reply: { readonly scope: string; readonly key: string; readonly status: number; readonly body: string },
): Promise<void> {
  await sql.run(
    "UPDATE idempotency SET status = $3, body = $4 WHERE scope = $1 AND key = $2 AND status IS NULL",
    reply.scope,
    reply.key,
    reply.status,
    reply.body,
  );
}

/** Gives up an unanswered claim. */
export async function deleteIdempotency(sql: Sql, scope: string, key: string): Promise<void> {
  await sql.run("DELETE FROM idempotency WHERE scope = $1 AND key = $2 AND status IS NULL", scope, key);
}

/** Forgets everything that is older. */
export async function sweepIdempotency(sql: Sql, beforeMs: number): Promise<void> {
  await sql.run("DELETE FROM idempotency WHERE created_ms < $1", beforeMs);
}
