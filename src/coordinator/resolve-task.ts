import { GodwitError } from "../core/errors.ts";
import { DEFAULT_DOMAIN, DEFAULT_PROJECT } from "../core/place.ts";
import { environmentOf } from "../core/task-name.ts";
import type { EngineCore } from "../engine/core.ts";
import { findVersion, type WantedTask } from "../engine/version.ts";
import { findDeployment, readDeployment } from "../store/deployments.ts";
import type { Sql } from "../store/driver.ts";
import { type DeployedTask, findTask } from "../store/list-tasks.ts";
import { type Caller, canSee, domainFor, projectFor } from "./auth/caller.ts";
import { invalidRequest } from "./problem.ts";

/** Which task a request means. */
export interface TaskRef {
  readonly task: string;
  /** Id of a deployment. */
  readonly deployment?: string | undefined;
  /** Default `latest`. */
  readonly version?: string | undefined;
  readonly project?: string | undefined;
  readonly domain?: string | undefined;
}

/**
 * The task a request means: in the deployment it names, or at a version in the project and domain.
 *
 * @throws GodwitError TASK_NOT_FOUND, DEPLOYMENT_NOT_FOUND; FORBIDDEN for a place the caller is not for
 */
export function resolveTask(core: EngineCore, caller: Caller, ref: TaskRef): Promise<DeployedTask> {
  const { task, deployment, version = "latest" } = ref;
  const project = projectFor(caller, ref.project) ?? undefined;
  const domain = domainFor(caller, ref.domain);
  if (deployment !== undefined) {
    if (ref.version !== undefined) throw invalidRequest("`deployment` and `version` exclude each other");
    return core.driver.read((sql) => inDeployment(sql, caller, { task, deployment, project, domain }));
  }
  if (version === "current" && caller.run === undefined) {
    throw invalidRequest('`version` "current" is what a calling task was deployed with, and no task calls');
  }
  const wanted = { task, version, project: project ?? DEFAULT_PROJECT, domain: domain ?? DEFAULT_DOMAIN };
  return core.driver.read((sql) => atVersion(sql, core, { wanted, caller }));
}

async function inDeployment(
  sql: Sql,
  caller: Caller,
  ref: TaskRef & { readonly deployment: string },
): Promise<DeployedTask> {
  const { task: name, deployment } = ref;
  const found = await readDeployment(sql, deployment);
  if (found === undefined || !isAt(found, ref) || !canSee(caller, found.project)) {
    throw new GodwitError("DEPLOYMENT_NOT_FOUND", `no deployment "${deployment}"`);
  }
  const { project, domain } = found;
  const task = await findTask(sql, { project, domain, name, deployment });
  if (task !== undefined) return task;
  throw new GodwitError("TASK_NOT_FOUND", `no task "${name}" in the deployment "${deployment}"`);
}

function isAt(place: { project: string; domain: string }, ref: TaskRef): boolean {
  return (ref.project ?? place.project) === place.project && (ref.domain ?? place.domain) === place.domain;
}

async function atVersion(
  sql: Sql,
  core: EngineCore,
  { wanted, caller }: { readonly wanted: WantedTask; readonly caller: Caller },
): Promise<DeployedTask> {
  const asking = caller.run?.deployment;
  const code = asking === undefined ? undefined : (await core.deployments.read(sql, [asking])).get(asking);
  return (await inWholeFile(sql, wanted)) ?? findVersion(sql, wanted, code);
}

/** What a run on this machine registered, where nothing of the environment is deployed. */
async function inWholeFile(sql: Sql, wanted: WantedTask): Promise<DeployedTask | undefined> {
  const { task: name, project, domain, version } = wanted;
  const place = { project, domain, environment: environmentOf(name) };
  if (version !== "latest" || (await findDeployment(sql, place, null)) !== undefined) return undefined;
  return findTask(sql, { project, domain, name, deployment: null });
}
