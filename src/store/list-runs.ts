import type { Sql } from "./driver.ts";
import { type Page, Parameters } from "./page.ts";
import type { RunRow } from "./rows.ts";

/** What runs are listed; null and an empty list mean any. */
export interface RunFilter {
  readonly project: string | null;
  readonly domain: string | null;
  readonly phases: readonly string[];
  readonly task: string | null;
  /** Labels as `key` (any value) or `key=value`; a run must have all of them. */
  readonly labels: readonly string[];
  /** The run they were rerun, recovered or forked from. */
  readonly origin: string | null;
  /** Who started them. */
  readonly createdBy: string | null;
}

/** Runs are listed by time of creation, then id. */
export type RunPosition = readonly [createdMs: number, id: string];

/** Where a part of the list begins, and in which direction it goes. */
export type RunPage = Page<RunPosition> & { readonly isDescending: boolean };

/**
 * A part of the list of runs. The index is by project and domain, so the list is merged from one statement for each
 * pair that the filter leaves; there are few of them.
 */
export async function listRuns(sql: Sql, filter: RunFilter, page: RunPage): Promise<RunRow[]> {
  const rows: RunRow[] = [];
  for (const place of await placesOf(sql, filter)) rows.push(...(await listPlace(sql, filter, place, page)));
  const sign = page.isDescending ? -1 : 1;
  rows.sort((a, b) => sign * (a.created_ms - b.created_ms || (a.id < b.id ? -1 : 1)));
  return rows.slice(0, page.limit);
}

type Place = readonly [project: string, domain: string];

async function placesOf(sql: Sql, { project, domain }: RunFilter): Promise<Place[]> {
  if (project !== null && domain !== null) return [[project, domain]];
  const places: Place[] = [];
  // Walks the index from pair to pair, so that it does not read the runs.
  for (let last: Place = [project ?? "", ""]; ; ) {
    const rows = await sql.all<{ project: string; domain: string }>(
      "SELECT project, domain FROM runs WHERE (project, domain) > ($1, $2) ORDER BY project, domain LIMIT 1",
      ...last,
    );
    const next = rows[0];
    if (next === undefined || (project !== null && next.project !== project)) return places;
    last = [next.project, next.domain];
    if (domain === null || domain === next.domain) places.push(last);
  }
}

function listPlace(sql: Sql, filter: RunFilter, [project, domain]: Place, page: RunPage): Promise<RunRow[]> {
  const parameters = new Parameters();
  const conditions = [`project = ${parameters.bind(project)}`, `domain = ${parameters.bind(domain)}`];
  const [comparison, order] = page.isDescending ? ["<", "DESC"] : [">", "ASC"];
  if (page.after !== null) {
    const [createdMs, id] = page.after;
    conditions.push(`(created_ms, id) ${comparison} (${parameters.bind(createdMs)}, ${parameters.bind(id)})`);
  }
  if (filter.phases.length > 0) {
    conditions.push(sql.dialect.isOneOf("phase", parameters.number(JSON.stringify(filter.phases))));
  }
  if (filter.task !== null) conditions.push(`task = ${parameters.bind(filter.task)}`);
  if (filter.origin !== null) conditions.push(`origin_run = ${parameters.bind(filter.origin)}`);
  if (filter.createdBy !== null) conditions.push(`created_by = ${parameters.bind(filter.createdBy)}`);
  for (const label of filter.labels) {
    // Quotes inside JSON strings are escaped, so this text can only be a whole key with its whole value.
    conditions.push(`replace(labels, CAST(${parameters.bind(labelText(label))} AS TEXT), '') <> labels`);
  }
  return sql.all<RunRow>(
    `SELECT * FROM runs WHERE ${conditions.join(" AND ")}
     ORDER BY created_ms ${order}, id ${order} LIMIT ${parameters.bind(page.limit)}`,
    ...parameters.values,
  );
}

/** The text that a label has in the JSON of all labels. */
function labelText(label: string): string {
  const at = label.indexOf("=");
  if (at < 0) return `${JSON.stringify(label)}:"`;
  return `${JSON.stringify(label.slice(0, at))}:${JSON.stringify(label.slice(at + 1))}`;
}
