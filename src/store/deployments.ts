import { type BulkStatement, first, type Sql, type SqlRow } from "./driver.ts";

/** A deployment: one environment at a version. Nothing of it ever changes but the time it was deployed last. */
export interface DeploymentRow {
  /** Hash of what it consists of, its project and domain included. */
  id: string;
  project: string;
  domain: string;
  /** Null: a whole file with all its environments, as a run on this machine registers it. */
  environment: string | null;
  version: string;
  /** SHA-256 of the code. */
  bundle: string;
  /** JSON: the deployment of each other environment that its tasks call, by name. */
  depends_on: string;
  /** JSON: description and variables of the environment. */
  settings: string;
  /** JSON: where the code comes from (file, git commit, packages it leaves outside). */
  source: string;
  created_ms: number;
  /**
   * When it was deployed last: the newest of an environment is its "latest". 0: it was only run, which makes it the
   * latest of an environment that was never deployed, and of no other.
   */
  activated_ms: number;
}

export interface TaskRow {
  deployment: string;
  name: string;
  description: string | null;
  input_schema: string | null;
  output_schema: string | null;
  options: string;
  code_hash: string | null;
}

const insertTask: BulkStatement = {
  columns: {
    deployment: "text",
    name: "text",
    description: "text",
    input_schema: "text",
    output_schema: "text",
    options: "text",
    code_hash: "text",
  },
  text: (
    rows,
  ) => `INSERT INTO tasks (deployment, name, description, input_schema, output_schema, options, code_hash)
    SELECT r.deployment, r.name, r.description, r.input_schema, r.output_schema, r.options, r.code_hash
    FROM ${rows} WHERE true ON CONFLICT DO NOTHING`,
};

const selectHash: BulkStatement = {
  columns: { deployment: "text", name: "text" },
  text: (rows) => `SELECT t.deployment AS deployment, t.name AS name, t.code_hash AS code_hash
    FROM ${rows} JOIN tasks t ON t.deployment = r.deployment AND t.name = r.name`,
};

/** The row of a deployment that holds a whole file. */
export function wholeDeployment(of: {
  readonly id: string;
  /** Default: the id. */
  readonly bundle?: string;
  readonly project?: string;
  readonly domain?: string;
  readonly version?: string;
  readonly source?: unknown;
  readonly nowMs: number;
}): DeploymentRow {
  const { id, project = "default", domain = "development", version = id, source = {}, nowMs } = of;
  const rest = { environment: null, bundle: of.bundle ?? id, depends_on: "{}", settings: "{}" };
  const times = { created_ms: nowMs, activated_ms: nowMs };
  return { id, project, domain, version, ...rest, source: JSON.stringify(source), ...times };
}

/**
 * Inserts a deployment with its tasks, or makes the one that is there the newest of its environment; false when it was
 * there already.
 */
export async function insertDeployment(
  sql: Sql,
  row: DeploymentRow,
  tasks: readonly TaskRow[],
): Promise<boolean> {
  const changed = await sql.run(
    `INSERT INTO deployments
       (id, project, domain, environment, version, bundle, depends_on, settings, source, created_ms, activated_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING`,
    row.id,
    row.project,
    row.domain,
    row.environment,
    row.version,
    row.bundle,
    row.depends_on,
    row.settings,
    row.source,
    row.created_ms,
    row.activated_ms,
  );
  if (changed === 0) {
    // Never back: whoever deployed something else meanwhile was later.
    await sql.run(
      "UPDATE deployments SET activated_ms = $2 WHERE id = $1 AND activated_ms < $2",
      row.id,
      row.activated_ms,
    );
    return false;
  }
  if (tasks.length > 0) await sql.bulk(insertTask, tasks as unknown as SqlRow[]);
  return true;
}

export function readDeployment(sql: Sql, id: string): Promise<DeploymentRow | undefined> {
  return first(sql.all<DeploymentRow>("SELECT * FROM deployments WHERE id = $1", id));
}

/** Deployments by id; ids that are none are left out. */
export function readDeployments(sql: Sql, ids: readonly string[]): Promise<DeploymentRow[]> {
  if (ids.length === 0) return Promise.resolve([]);
  return sql.all<DeploymentRow>(
    `SELECT * FROM deployments WHERE ${sql.dialect.isOneOf("id", 1)}`,
    JSON.stringify(ids),
  );
}

/** Deployments whose code is a bundle. */
export function readDeploymentsOfBundle(sql: Sql, bundle: string): Promise<DeploymentRow[]> {
  return sql.all<DeploymentRow>("SELECT * FROM deployments WHERE bundle = $1 ORDER BY id", bundle);
}

/** Ids of the deployments that a run and its actions have their code from. */
export async function deploymentsOfRun(sql: Sql, run: string): Promise<string[]> {
  const rows = await sql.all<{ deployment: string }>(
    `SELECT deployment FROM runs WHERE id = $1
     UNION SELECT deployment FROM actions WHERE run_id = $1 AND deployment IS NOT NULL`,
    run,
  );
  return rows.map(({ deployment }) => deployment);
}

/** The latest first, as an SQL list; `table` is an alias with its dot, such as `d.`. */
export function latestFirst(table: "" | `${string}.`): string {
  return `${table}activated_ms DESC, ${table}created_ms DESC, ${table}id DESC`;
}

/** An environment at a place. */
export interface EnvironmentPlace {
  readonly project: string;
  readonly domain: string;
  readonly environment: string;
}

/** The deployment of an environment at a version, or the one that was deployed last. */
export function findDeployment(
  sql: Sql,
  { project, domain, environment }: EnvironmentPlace,
  version: string | null,
): Promise<DeploymentRow | undefined> {
  const place = "project = $1 AND domain = $2 AND environment = $3";
  return first(
    version === null
      ? sql.all<DeploymentRow>(
          `SELECT * FROM deployments WHERE ${place} ORDER BY ${latestFirst("")} LIMIT 1`,
          project,
          domain,
          environment,
        )
      : sql.all<DeploymentRow>(
          `SELECT * FROM deployments WHERE ${place} AND version = $4`,
          project,
          domain,
          environment,
          version,
        ),
  );
}

export function readTask(sql: Sql, deployment: string, name: string): Promise<TaskRow | undefined> {
  return first(sql.all<TaskRow>("SELECT * FROM tasks WHERE deployment = $1 AND name = $2", deployment, name));
}

/** Code hashes by `deployment task`. */
export async function readCodeHashes(
  sql: Sql,
  keys: readonly { deployment: string; name: string }[],
): Promise<Map<string, string>> {
  const unique = [...new Map(keys.map((key) => [`${key.deployment} ${key.name}`, key])).values()];
  const rows = await sql.bulkAll<Pick<TaskRow, "deployment" | "name" | "code_hash">>(
    selectHash,
    unique as unknown as SqlRow[],
  );
  return new Map(
    rows.flatMap((row) =>
      row.code_hash === null ? [] : [[`${row.deployment} ${row.name}`, row.code_hash] as const],
    ),
  );
}
