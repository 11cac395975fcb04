import type { BulkStatement, ColumnType, SqlRow, SqlValue } from "../driver.ts";

/** Bounds the memory of one message; larger batches take several statements of the same transaction. */
const ROWS_PER_STATEMENT = 2_000;

const TYPES: Record<ColumnType, string> = { text: "text", int: "bigint", real: "double precision" };

/** A bulk statement in PostgreSQL's words: one array per column, whatever the number of rows, so it is prepared once. */
export interface BulkPlan {
  readonly text: string;
  /** The same, giving the key of each row that was written; null where the statement names no key. */
  readonly returning: string | null;
  readonly columns: readonly (readonly [name: string, type: ColumnType])[];
  readonly key: readonly string[];
}

export function planBulk(statement: BulkStatement): BulkPlan {
  const columns = Object.entries(statement.columns);
  const arrays = columns.map(([, type], i) => `$${i + 1}::${TYPES[type]}[]`).join(", ");
  const text = statement.text(`unnest(${arrays}) AS r(${columns.map(([name]) => name).join(", ")})`);
  const key = statement.key ?? [];
  // An INSERT cannot return columns of what it selects from, and an UPDATE has two of each name.
  const prefix = /^\s*INSERT\b/i.test(text) ? "" : "r.";
  const returning = key.map((name) => `${prefix}${name} AS ${name}`).join(", ");
  return { text, returning: key.length === 0 ? null : `${text} RETURNING ${returning}`, columns, key };
}

/** The parameters for some rows: one array per column, as text. */
export function arraysOf(plan: BulkPlan, rows: readonly SqlRow[]): string[] {
  return plan.columns.map(([name, type]) => {
    const items = rows.map((row) => item(row[name] ?? null, type));
    return `{${items.join(",")}}`;
  });
}

/** A list of texts as one parameter. */
export function arrayOf(texts: readonly string[]): string {
  return `{${texts.map((text) => item(text, "text")).join(",")}}`;
}

function item(value: SqlValue, type: ColumnType): string {
  if (value === null) return "NULL";
  return type === "text" ? `"${withoutNul(String(value)).replaceAll(/["\\]/g, "\\$&")}"` : String(value);
}

/** PostgreSQL's text holds every character but NUL; its place is kept, so that nothing is cut off or refused. */
export function withoutNul(text: string): string {
  return text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text;
}

/**
 * Splits rows for execution one batch after the other. A row whose key came earlier goes to a later batch: one
 * statement may not touch a row twice, and the outcome must be as if rows were applied one by one.
 *
 * @returns batches of indexes into `rows`
 */
export function batchesOf(plan: BulkPlan, rows: readonly SqlRow[]): number[][] {
  const rounds: number[][] = [];
  const seen = new Map<string, number>();
  for (const [i, row] of rows.entries()) {
    let round = 0;
    if (plan.key.length > 0) {
      const name = keyOf(plan, row);
      round = seen.get(name) ?? 0;
      seen.set(name, round + 1);
    }
    const batch = rounds[round];
    if (batch === undefined) rounds.push([i]);
    else batch.push(i);
  }
  return rounds.flatMap((round) =>
    Array.from({ length: Math.ceil(round.length / ROWS_PER_STATEMENT) }, (_, i) =>
      round.slice(i * ROWS_PER_STATEMENT, (i + 1) * ROWS_PER_STATEMENT),
    ),
  );
}

/** One string per key, for a row of parameters and for the row that came back. */
export function keyOf(plan: BulkPlan, row: SqlRow): string {
  if (plan.key.length === 1) return withoutNul(String(row[plan.key[0] ?? ""]));
  return plan.key.map((name) => withoutNul(String(row[name]))).join("\0");
}
