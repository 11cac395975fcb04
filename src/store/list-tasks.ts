import { type DeploymentRow, type EnvironmentPlace, latestFirst, type TaskRow } from "./deployments.ts";
import { type BulkStatement, first, type Sql, type SqlRow } from "./driver.ts";
import type { Page } from "./page.ts";

/** A task in its newest deployment. */
export type DeployedTask = TaskRow &
  Pick<DeploymentRow, "project" | "domain" | "version" | "created_ms" | "activated_ms">;

export interface TaskPlace {
  readonly project: string;
  readonly domain: string;
}

const select: BulkStatement = {
  columns: { deployment: "text", name: "text" },
  text: (rows) => `SELECT t.deployment AS deployment, t.name AS name, t.description AS description,
      t.input_schema AS input_schema, t.output_schema AS output_schema, t.options AS options, t.code_hash AS code_hash,
      d.project AS project, d.domain AS domain, d.version AS version, d.created_ms AS created_ms,
      d.activated_ms AS activated_ms
    FROM ${rows} JOIN tasks t ON t.deployment = r.deployment AND t.name = r.name
    JOIN deployments d ON d.id = t.deployment`,
};

/** The newest deployment of `name` at a place, as an SQL expression; project and domain are $1 and $2. */
function newestOf(name: string): string {
  return `(SELECT t.deployment FROM tasks t JOIN deployments d ON d.id = t.deployment
    WHERE t.name = ${name} AND d.project = $1 AND d.domain = $2 ORDER BY ${latestFirst("d.")} LIMIT 1)`;
}

/** Whether a deployment is the newest of its environment; a whole file is of none, and counts for what it has. */
const IS_NEWEST = `(d.environment IS NULL OR d.id = (
    SELECT e.id FROM deployments e WHERE e.project = $1 AND e.domain = $2 AND e.environment = d.environment
    ORDER BY ${latestFirst("e.")} LIMIT 1))`;

/** Tasks deployed at a place, by name; what the newest deployment of an environment dropped is not deployed any more. */
export async function listTasks(sql: Sql, at: TaskPlace, page: Page<string>): Promise<DeployedTask[]> {
  const keys = await sql.all<{ name: string; deployment: string }>(
    `SELECT n.name AS name, ${newestOf("n.name")} AS deployment FROM (
       SELECT DISTINCT t.name AS name FROM tasks t JOIN deployments d ON d.id = t.deployment
       WHERE d.project = $1 AND d.domain = $2 AND t.name > $3 AND ${IS_NEWEST} ORDER BY t.name LIMIT $4
     ) n`,
    at.project,
    at.domain,
    page.after ?? "",
    page.limit,
  );
  const rows = await sql.bulkAll<DeployedTask>(select, keys as unknown as SqlRow[]);
  return rows.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A task in the given deployment, or in its newest one at a place. */
export async function findTask(
  sql: Sql,
  at: TaskPlace & { readonly name: string; readonly deployment: string | null },
): Promise<DeployedTask | undefined> {
  const newest = async (): Promise<string | null> => {
    const query = `SELECT ${newestOf("$3")} AS deployment`;
    return (
      (await sql.all<{ deployment: string | null }>(query, at.project, at.domain, at.name))[0]?.deployment ??
      null
    );
  };
  const deployment = at.deployment ?? (await newest());
  if (deployment === null) return undefined;
  return first(sql.bulkAll<DeployedTask>(select, [{ deployment, name: at.name }]));
}

/** Tasks of one deployment, by name. */
export function readTasks(sql: Sql, deployment: string): Promise<TaskRow[]> {
  return sql.all<TaskRow>("SELECT * FROM tasks WHERE deployment = $1 ORDER BY name", deployment);
}

/** Versions of an environment, the one deployed last first. */
export async function listVersions(
  sql: Sql,
  { project, domain, environment }: EnvironmentPlace,
  limit: number,
): Promise<string[]> {
  const rows = await sql.all<{ version: string }>(
    `SELECT version FROM deployments WHERE project = $1 AND domain = $2 AND environment = $3
     ORDER BY ${latestFirst("")} LIMIT $4`,
    project,
    domain,
    environment,
    limit,
  );
  return rows.map(({ version }) => version);
}

/** The environments of a project, by domain. */
export function listEnvironments(
  sql: Sql,
  project: string,
): Promise<{ domain: string; environment: string }[]> {
  return sql.all(
    `SELECT DISTINCT domain, environment FROM deployments WHERE project = $1 AND environment IS NOT NULL
     ORDER BY domain, environment`,
    project,
  );
}

/** Deployments are listed with the one deployed last first. */
export type DeploymentPosition = readonly [activatedMs: number, id: string];

export function listDeployments(
  sql: Sql,
  at: TaskPlace & { readonly environment?: string | undefined },
  page: Page<DeploymentPosition>,
): Promise<DeploymentRow[]> {
  const [activatedMs, id] = page.after ?? [Number.MAX_SAFE_INTEGER, ""];
  const parameters = [at.project, at.domain, activatedMs, id, page.limit];
  const isOfEnvironment = at.environment === undefined ? "" : "AND environment = $6";
  return sql.all<DeploymentRow>(
    `SELECT * FROM deployments WHERE project = $1 AND domain = $2 ${isOfEnvironment} AND (activated_ms, id) < ($3, $4)
     ORDER BY activated_ms DESC, id DESC LIMIT $5`,
    ...parameters,
    ...(at.environment === undefined ? [] : [at.environment]),
  );
}
