import type { ConditionRow } from "./conditions.ts";
import type { Sql } from "./driver.ts";
import { type Page, Parameters } from "./page.ts";

/** Whose open conditions are listed; null means any. */
export interface ConditionFilter {
  readonly project: string | null;
  readonly domain: string | null;
  readonly runId: string | null;
}

export type ConditionPosition = readonly [createdMs: number, runId: string, actionId: string];

/** Where a condition belongs, besides what is asked. */
export type OpenCondition = ConditionRow & { readonly project: string; readonly domain: string };

/** Conditions that wait for an answer, oldest first. */
export function listOpenConditions(
  sql: Sql,
  filter: ConditionFilter,
  page: Page<ConditionPosition>,
): Promise<OpenCondition[]> {
  const parameters = new Parameters();
  const conditions = ["c.answered_ms IS NULL", "a.phase = 'paused'"];
  if (filter.project !== null) conditions.push(`r.project = ${parameters.bind(filter.project)}`);
  if (filter.domain !== null) conditions.push(`r.domain = ${parameters.bind(filter.domain)}`);
  if (filter.runId !== null) conditions.push(`c.run_id = ${parameters.bind(filter.runId)}`);
  if (page.after !== null) {
    const [createdMs, runId, actionId] = page.after;
    const position = `${parameters.bind(createdMs)}, ${parameters.bind(runId)}, ${parameters.bind(actionId)}`;
    conditions.push(`(c.created_ms, c.run_id, c.action_id) > (${position})`);
  }
  return sql.all<OpenCondition>(
    `SELECT c.*, r.project AS project, r.domain AS domain FROM conditions c
     JOIN actions a ON a.run_id = c.run_id AND a.id = c.action_id
     JOIN runs r ON r.id = c.run_id
     WHERE ${conditions.join(" AND ")}
     ORDER BY c.created_ms, c.run_id, c.action_id LIMIT ${parameters.bind(page.limit)}`,
    ...parameters.values,
  );
}
