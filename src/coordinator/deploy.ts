import type { DeployedView } from "../client/api.ts";
import { type DeployedTask, type PlannedDeployment, planRelease, type Release } from "../core/deployment.ts";
import type { Json } from "../core/error-record.ts";
import { GodwitError } from "../core/errors.ts";
import type { EngineCore } from "../engine/core.ts";
import {
  type DeploymentRow,
  findDeployment,
  insertDeployment,
  readDeployment,
  type TaskRow,
} from "../store/deployments.ts";
import type { Sql } from "../store/driver.ts";

/**
 * Deploys environments together, or says what would become of them: all of them are registered, or none. What is
 * deployed already becomes the newest again, and nothing else about it changes.
 *
 * @throws GodwitError VERSION_CONFLICT, DEPENDENCY_MISSING, INVALID_REQUEST
 */
export function deployRelease(
  core: EngineCore,
  release: Release,
  of: { readonly source: Json; readonly dryRun: boolean; readonly activate: boolean },
): Promise<DeployedView[]> {
  const nowMs = core.clock.now();
  const plans = planRelease(release);
  const deploy = async (sql: Sql): Promise<DeployedView[]> => {
    const views: DeployedView[] = [];
    for (const plan of plans) {
      const row = rowOf(plan, { release, source: of.source, nowMs, isActive: of.activate });
      const found = await readDeployment(sql, plan.id);
      if (found === undefined) await refuseConflict(sql, row);
      const { name: environment } = plan.environment;
      const { project, domain } = release;
      const latest = await findDeployment(sql, { project, domain, environment }, null);
      const previous = latest === undefined || latest.activated_ms === 0 ? null : latest.id;
      if (!of.dryRun) await insertDeployment(sql, row, plan.environment.tasks.map(taskRow(plan.id)));
      const { id, version } = plan;
      views.push({ id, environment, version, bundle: row.bundle, isNew: found === undefined, previous });
    }
    return views;
  };
  return of.dryRun ? core.driver.read(deploy) : core.driver.transaction(deploy);
}

async function refuseConflict(sql: Sql, row: DeploymentRow): Promise<void> {
  const { project, domain, environment, version } = row;
  const found = await findDeployment(sql, { project, domain, environment: environment ?? "" }, version);
  if (found === undefined) return;
  const since = new Date(found.created_ms).toISOString();
  throw new GodwitError(
    "VERSION_CONFLICT",
    `${environment} has a version "${version}" in ${project}/${domain} since ${since}, and its content is another (bundle ${found.bundle.slice(0, 12)}, now ${row.bundle.slice(0, 12)})`,
  );
}

function rowOf(
  { id, version, environment, dependsOn }: PlannedDeployment,
  of: {
    readonly release: Release;
    readonly source: Json;
    readonly nowMs: number;
    readonly isActive: boolean;
  },
): DeploymentRow {
  const { name, bundle, description = null, env = {} } = environment;
  return {
    id,
    project: of.release.project,
    domain: of.release.domain,
    environment: name,
    version,
    bundle,
    depends_on: JSON.stringify(dependsOn),
    settings: JSON.stringify({ description, env }),
    source: JSON.stringify(of.source),
    created_ms: of.nowMs,
    activated_ms: of.isActive ? of.nowMs : 0,
  };
}

function taskRow(deployment: string): (task: DeployedTask) => TaskRow {
  return ({ name, description, inputSchema, outputSchema, options, codeHash }) => ({
    deployment,
    name,
    description: description ?? null,
    input_schema: schemaText(inputSchema),
    output_schema: schemaText(outputSchema),
    options: JSON.stringify(options ?? {}),
    code_hash: codeHash ?? null,
  });
}

function schemaText(schema: Json | undefined): string | null {
  return schema === undefined || schema === null ? null : JSON.stringify(schema);
}
