import { type BulkStatement, first, type Sql, type SqlRow } from "./driver.ts";

/** A deployment: an immutable set of tasks, addressed by the hash of its bundle. */
export interface DeploymentRow {
  id: string;
  project: string;
  domain: string;
  version: string;
  /** JSON: where the code comes from (file, git commit) and where the bundle is. */
  source: string;
  created_ms: number;
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

/** Inserts a deployment with its tasks; false when it was there already (deploying twice is a no-op). */
export async function insertDeployment(
  sql: Sql,
  row: DeploymentRow,
  tasks: readonly TaskRow[],
): Promise<boolean> {
  const changed = await sql.run(
    `INSERT INTO deployments (id, project, domain, version, source, created_ms)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    row.id,
    row.project,
    row.domain,
    row.version,
    row.source,
    row.created_ms,
  );
  if (tasks.length > 0) await sql.bulk(insertTask, tasks as unknown as SqlRow[]);
  return changed > 0;
}

export function readDeployment(sql: Sql, id: string): Promise<DeploymentRow | undefined> {
  return first(sql.all<DeploymentRow>("SELECT * FROM deployments WHERE id = $1", id));
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
