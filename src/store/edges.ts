import type { ValueRef } from "../core/value-ref.ts";
import type { BulkStatement, Sql, SqlRow } from "./driver.ts";
import { type Page, Parameters } from "./page.ts";
import type { ActionKey } from "./rows.ts";

/** A file or folder that an action took (`in`) or gave (`out`). */
export interface EdgeRow {
  run_id: string;
  action_id: string;
  direction: "in" | "out";
  /** Its place among those of the same value. */
  nth: number;
  kind: "file" | "dir";
  uri: string;
  sha256: string | null;
  size_bytes: number | null;
  name: string | null;
  producer_run: string | null;
  producer_action: string | null;
  at_ms: number;
}

/** Rows for the references in the input or the result of an action. */
export function edgeRows(
  action: ActionKey,
  direction: EdgeRow["direction"],
  of: { readonly refs: readonly ValueRef[]; readonly nowMs: number },
): EdgeRow[] {
  const { run_id, action_id } = action;
  return of.refs.map(({ kind, uri, sha256, sizeBytes, name, producer }, nth) => ({
    ...{ run_id, action_id, direction, nth, kind, uri, sha256, name },
    size_bytes: sizeBytes,
    producer_run: producer?.run ?? null,
    producer_action: producer?.action ?? null,
    at_ms: of.nowMs,
  }));
}

const insert: BulkStatement = {
  columns: {
    run_id: "text",
    action_id: "text",
    direction: "text",
    nth: "int",
    kind: "text",
    uri: "text",
    sha256: "text",
    size_bytes: "int",
    name: "text",
    producer_run: "text",
    producer_action: "text",
    at_ms: "int",
  },
  text: (rows) => `INSERT INTO edges
      (run_id, action_id, direction, nth, kind, uri, sha256, size_bytes, name, producer_run, producer_action, at_ms)
    SELECT r.run_id, r.action_id, r.direction, r.nth, r.kind, r.uri, r.sha256, r.size_bytes, r.name,
      r.producer_run, r.producer_action, r.at_ms
    FROM ${rows} WHERE true ON CONFLICT DO NOTHING`,
};

export async function insertEdges(sql: Sql, rows: readonly EdgeRow[]): Promise<void> {
  if (rows.length > 0) await sql.bulk(insert, rows as unknown as SqlRow[]);
}

/** Where a page of edges ends. */
export type EdgePosition = readonly [action: string, direction: string, nth: number];

/** The edges of a run in the order of its action ids. */
export function listEdges(
  sql: Sql,
  filter: { readonly runId: string; readonly action: string | null },
  page: Page<EdgePosition>,
): Promise<EdgeRow[]> {
  const parameters = new Parameters();
  const conditions = [`run_id = ${parameters.bind(filter.runId)}`];
  if (filter.action !== null) conditions.push(`action_id = ${parameters.bind(filter.action)}`);
  if (page.after !== null) {
    const [action, direction, nth] = page.after.map((value) => parameters.bind(value));
    conditions.push(`(action_id, direction, nth) > (${action}, ${direction}, ${nth})`);
  }
  return sql.all<EdgeRow>(
    `SELECT * FROM edges WHERE ${conditions.join(" AND ")}
     ORDER BY action_id, direction, nth LIMIT ${parameters.bind(page.limit)}`,
    ...parameters.values,
  );
}
