import type { BulkStatement, Sql, SqlRow } from "./driver.ts";
import { type ActionKey, type ActionRow, columnsOf, type LeaseRow } from "./rows.ts";

const insert: BulkStatement = {
  columns: {
    run_id: "text",
    action_id: "text",
    token: "text",
    runner_id: "text",
    grant_id: "text",
    attempt: "int",
    granted_ms: "int",
    must_end_ms: "int",
  },
  text: (
    rows,
  ) => `INSERT INTO leases (run_id, action_id, token, runner_id, grant_id, attempt, granted_ms, must_end_ms)
    SELECT r.run_id, r.action_id, r.token, r.runner_id, r.grant_id, r.attempt, r.granted_ms, r.must_end_ms
    FROM ${rows} WHERE true ON CONFLICT DO NOTHING`,
};

const remove: BulkStatement = {
  columns: { run_id: "text", action_id: "text" },
  text: (rows) =>
    `DELETE FROM leases WHERE (run_id, action_id) IN (SELECT r.run_id, r.action_id FROM ${rows})`,
};

const leasedBy = (rows: string, fence: string): string =>
  `SELECT l.token AS token, l.runner_id AS runner_id, l.granted_ms AS granted_ms, l.must_end_ms AS must_end_ms,
      ${columnsOf("a")}
    FROM ${rows} JOIN leases l ON l.run_id = r.run_id AND l.action_id = r.action_id ${fence}
    JOIN actions a ON a.run_id = l.run_id AND a.id = l.action_id`;

const selectLeased: BulkStatement = {
  columns: { run_id: "text", action_id: "text", token: "text" },
  text: (rows) => leasedBy(rows, "AND l.token = r.token"),
};

const selectLeasedTo: BulkStatement = {
  columns: { run_id: "text", action_id: "text", token: "text", runner_id: "text" },
  text: (rows) => leasedBy(rows, "AND l.token = r.token AND l.runner_id = r.runner_id"),
};

const selectHolders: BulkStatement = {
  columns: { run_id: "text", action_id: "text" },
  text: (
    rows,
  ) => `SELECT l.run_id AS run_id, l.action_id AS action_id, l.token AS token, l.runner_id AS runner_id,
      l.must_end_ms AS must_end_ms
    FROM ${rows} JOIN leases l ON l.run_id = r.run_id AND l.action_id = r.action_id`,
};

const insertLost: BulkStatement = {
  columns: { runner_id: "text", token: "text", reason: "text", detail: "text" },
  text: (rows) => `INSERT INTO lost_leases (runner_id, token, reason, detail)
    SELECT r.runner_id, r.token, r.reason, r.detail FROM ${rows} WHERE true ON CONFLICT DO NOTHING`,
};

/** An action together with the lease that covers it. */
export type LeasedAction = ActionRow & Pick<LeaseRow, "token" | "runner_id" | "granted_ms" | "must_end_ms">;
export type LeaseHolder = Pick<LeaseRow, "run_id" | "action_id" | "token" | "runner_id" | "must_end_ms">;

export async function insertLeases(sql: Sql, rows: readonly LeaseRow[]): Promise<void> {
  if (rows.length > 0) await sql.bulk(insert, rows as unknown as SqlRow[]);
}

export async function deleteLeases(sql: Sql, keys: readonly ActionKey[]): Promise<void> {
  if (keys.length > 0) await sql.bulk(remove, keys as unknown as SqlRow[]);
}

/** The actions whose current lease is the given token, whoever holds it. */
export function readLeased(sql: Sql, tokens: readonly string[]): Promise<LeasedAction[]> {
  return sql.bulkAll<LeasedAction>(selectLeased, keysOf(tokens));
}

/**
 * The actions whose current lease is the given token and is this runner's. A token that is not current, or is somebody
 * else's, gives no row: that is the fence.
 */
export function readLeasedTo(sql: Sql, runnerId: string, tokens: readonly string[]): Promise<LeasedAction[]> {
  const rows = keysOf(tokens).map((key) => ({ ...key, runner_id: runnerId }));
  return sql.bulkAll<LeasedAction>(selectLeasedTo, rows);
}

function keysOf(tokens: readonly string[]): SqlRow[] {
  return tokens.flatMap((token) => {
    const ref = parseToken(token);
    return ref === null ? [] : [{ run_id: ref.run, action_id: ref.action, token }];
  });
}

/** Which runners hold these actions. */
export function readHolders(sql: Sql, keys: readonly ActionKey[]): Promise<LeaseHolder[]> {
  return sql.bulkAll<LeaseHolder>(selectHolders, keys as unknown as SqlRow[]);
}

/** Leases of one runner, oldest grant first. */
export function readLeasesOf(sql: Sql, runnerId: string, limit: number): Promise<LeaseRow[]> {
  return sql.all<LeaseRow>(
    "SELECT * FROM leases WHERE runner_id = $1 ORDER BY grant_id LIMIT $2",
    runnerId,
    limit,
  );
}

/** Leases that were given in one numbered exchange. */
export function readGranted(sql: Sql, runnerId: string, grantId: string): Promise<LeaseRow[]> {
  return sql.all<LeaseRow>("SELECT * FROM leases WHERE runner_id = $1 AND grant_id = $2", runnerId, grantId);
}

export interface LostRow {
  readonly runner_id: string;
  readonly token: string;
  readonly reason: string;
  readonly detail: string;
}

/** Remembers leases that ended behind their runner's back, until the runner says it has heard. */
export async function insertLostLeases(sql: Sql, rows: readonly LostRow[]): Promise<void> {
  if (rows.length > 0) await sql.bulk(insertLost, rows as unknown as SqlRow[]);
}

export function readLostLeases(sql: Sql, runnerId: string): Promise<LostRow[]> {
  return sql.all<LostRow>("SELECT * FROM lost_leases WHERE runner_id = $1 LIMIT 1000", runnerId);
}

export async function deleteLostLeases(sql: Sql, runnerId: string, tokens: readonly string[]): Promise<void> {
  if (tokens.length === 0) return;
  await sql.run(
    `DELETE FROM lost_leases WHERE runner_id = $1 AND ${sql.dialect.isOneOf("token", 2)}`,
    runnerId,
    JSON.stringify(tokens),
  );
}

/** A lease token names its action, so that a report can be routed without a lookup; the nonce is the fence. */
export function leaseToken(run: string, action: string, nonce: string): string {
  return `${run}/${action}/${nonce}`;
}

export function parseToken(token: string): { readonly run: string; readonly action: string } | null {
  const parts = token.split("/");
  const [run, action] = parts;
  return parts.length === 3 && run !== undefined && action !== undefined ? { run, action } : null;
}
