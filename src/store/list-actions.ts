import { first, type Sql } from "./driver.ts";
import { type Page, Parameters } from "./page.ts";
import { ACTION_COLUMNS, type ActionRow } from "./rows.ts";

/** What actions of a run are listed; null and an empty list mean any. */
export interface ActionFilter {
  readonly runId: string;
  readonly parent: string | null;
  readonly phases: readonly string[];
  readonly task: string | null;
}

/** An action in a list: its error, when it failed, but not its values. */
export interface ListedAction extends ActionRow {
  error: string | null;
}

/** A part of a run's actions, in the order in which they were called. */
export function listActions(sql: Sql, filter: ActionFilter, page: Page<number>): Promise<ListedAction[]> {
  const parameters = new Parameters();
  // All ordinals are greater than 0; saying so lets the index by ordinal be used.
  const conditions = [`run_id = ${parameters.bind(filter.runId)}`, "ordinal > 0"];
  if (page.after !== null) conditions.push(`ordinal > ${parameters.bind(page.after)}`);
  if (filter.parent !== null) conditions.push(`parent_id = ${parameters.bind(filter.parent)}`);
  if (filter.task !== null) conditions.push(`task = ${parameters.bind(filter.task)}`);
  if (filter.phases.length > 0) {
    conditions.push(sql.dialect.isOneOf("phase", parameters.number(JSON.stringify(filter.phases))));
  }
  return sql.all<ListedAction>(
    `SELECT ${ACTION_COLUMNS},
       CASE WHEN phase IN ('failed', 'aborted', 'timed_out') THEN result ELSE NULL END AS error
     FROM actions WHERE ${conditions.join(" AND ")} ORDER BY ordinal LIMIT ${parameters.bind(page.limit)}`,
    ...parameters.values,
  );
}

/** An action with its values. */
export interface WholeAction extends ActionRow {
  input: string;
  result: string | null;
}

/** One action with its values. */
export function readWholeAction(sql: Sql, runId: string, id: string): Promise<WholeAction | undefined> {
  return first(
    sql.all<WholeAction>(
      `SELECT ${ACTION_COLUMNS}, input, result FROM actions WHERE run_id = $1 AND id = $2`,
      runId,
      id,
    ),
  );
}

export type CountColumn = "parent_id" | "task" | "phase";

/** How many actions there are; a column that was not asked for is absent. */
export interface ActionCount {
  parent_id?: string | null;
  task?: string;
  phase?: string;
  count: number;
}

/** Counts the actions of a run, or of one parent, by the given columns. */
export function countActions(
  sql: Sql,
  of: {
    readonly runId: string;
    readonly parent: string | null;
    readonly by: readonly CountColumn[];
    readonly limit: number;
  },
): Promise<ActionCount[]> {
  const parameters = new Parameters();
  const columns = of.by.join(", ");
  const conditions = [`run_id = ${parameters.bind(of.runId)}`];
  if (of.parent !== null) conditions.push(`parent_id = ${parameters.bind(of.parent)}`);
  return sql.all<ActionCount>(
    `SELECT ${columns}, COUNT(*) AS count FROM actions WHERE ${conditions.join(" AND ")}
     GROUP BY ${columns} ORDER BY ${columns} LIMIT ${parameters.bind(of.limit)}`,
    ...parameters.values,
  );
}
