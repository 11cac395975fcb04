import type { BulkStatement, Sql, SqlRow } from "./driver.ts";

/** A replay that left the recorded path: which parent, which call, and how. */
export interface DivergenceRow {
  run_id: string;
  nth: number;
  action_id: string;
  kind: "missing_call" | "new_call" | "changed_order";
  call_id: string;
  task: string;
  detail: string;
  at_ms: number;
}

const insert: BulkStatement = {
  columns: {
    run_id: "text",
    nth: "int",
    action_id: "text",
    kind: "text",
    call_id: "text",
    task: "text",
    detail: "text",
    at_ms: "int",
  },
  text: (rows) => `INSERT INTO divergences (run_id, nth, action_id, kind, call_id, task, detail, at_ms)
    SELECT r.run_id, r.nth, r.action_id, r.kind, r.call_id, r.task, r.detail, r.at_ms FROM ${rows} WHERE true ON CONFLICT DO NOTHING`,
};

export async function insertDivergences(sql: Sql, rows: readonly DivergenceRow[]): Promise<void> {
  if (rows.length > 0) await sql.bulk(insert, rows as unknown as SqlRow[]);
}

export function readDivergences(sql: Sql, runId: string): Promise<DivergenceRow[]> {
  return sql.all<DivergenceRow>("SELECT * FROM divergences WHERE run_id = $1 ORDER BY nth LIMIT 100", runId);
}
