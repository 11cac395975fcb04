import { GodwitError } from "../core/errors.ts";
import { environmentOf } from "../core/task-name.ts";
import { findDeployment } from "../store/deployments.ts";
import type { Sql } from "../store/driver.ts";
import {
  type DeployedTask,
  findTask,
  listEnvironments,
  listVersions,
  readTasks,
} from "../store/list-tasks.ts";
import type { DeployedCode } from "./deployments.ts";

/** A task at a version. */
export interface WantedTask {
  /** Full name, `env.task`. */
  readonly task: string;
  readonly project: string;
  readonly domain: string;
  /** `latest`: deployed last; `current`: what the caller was deployed with, else its own version; else a version. */
  readonly version: string;
}

/**
 * The task at a version, as it was deployed.
 *
 * @param caller the code that asks; undefined outside a run, and for code that was never deployed
 * @throws GodwitError TASK_NOT_FOUND, which tells what there is instead
 */
export async function findVersion(
  sql: Sql,
  wanted: WantedTask,
  caller: DeployedCode | undefined,
): Promise<DeployedTask> {
  const own =
    caller !== undefined && mayBeOwn(caller, wanted) ? await taskOf(sql, wanted, caller.id) : undefined;
  if (own !== undefined) return own;
  const deployment = await deploymentOf(sql, wanted, caller);
  const found = deployment === undefined ? undefined : await taskOf(sql, wanted, deployment.id);
  if (found !== undefined) return found;
  throw await taskNotFound(sql, wanted, { deployment, caller });
}

/** A whole file has its tasks with it, in the one version that it is. */
function mayBeOwn(caller: DeployedCode, wanted: WantedTask): boolean {
  const versions = ["latest", "current", caller.version];
  return caller.environment === null && isAt(caller, wanted) && versions.includes(wanted.version);
}

interface Found {
  readonly id: string;
  readonly version: string;
}

async function deploymentOf(
  sql: Sql,
  wanted: WantedTask,
  caller: DeployedCode | undefined,
): Promise<Found | undefined> {
  const environment = environmentOf(wanted.task);
  const place = { project: wanted.project, domain: wanted.domain, environment };
  if (wanted.version === "latest") return findDeployment(sql, place, null);
  if (wanted.version !== "current") return findDeployment(sql, place, wanted.version);
  if (caller === undefined) return undefined;
  if (isAt(caller, wanted)) {
    if (caller.environment === environment) return caller;
    const needed = caller.dependsOn[environment];
    if (needed !== undefined) return { id: needed, version: caller.version };
  }
  return findDeployment(sql, place, caller.version);
}

function isAt(code: DeployedCode, { project, domain }: WantedTask): boolean {
  return code.project === project && code.domain === domain;
}

function taskOf(
  sql: Sql,
  { task: name, project, domain }: WantedTask,
  deployment: string,
): Promise<DeployedTask | undefined> {
  return findTask(sql, { project, domain, name, deployment });
}

const MOST_NAMED = 10;

/** The error of a task that is not there; its hint tells what is. */
async function taskNotFound(
  sql: Sql,
  wanted: WantedTask,
  {
    deployment,
    caller,
  }: { readonly deployment: Found | undefined; readonly caller: DeployedCode | undefined },
): Promise<GodwitError> {
  const { task, project, domain } = wanted;
  const where = `${project}/${domain}`;
  const message = `no task "${task}"${versionText(wanted, caller)} in ${where}`;
  if (deployment !== undefined) {
    const tasks = (await readTasks(sql, deployment.id)).map(({ name }) => name);
    return missing(
      `${message}: its version "${deployment.version}" does not have it`,
      `It has ${some(tasks)}.`,
    );
  }
  const environment = environmentOf(task);
  const versions = await listVersions(sql, { project, domain, environment }, MOST_NAMED + 1);
  if (versions.length > 0)
    return missing(message, `Versions of ${environment} in ${where}: ${some(versions)}.`);
  const deployed = await listEnvironments(sql, project);
  const places = deployed.flatMap((place) => (place.environment === environment ? [place.domain] : []));
  if (places.length > 0)
    return missing(message, `In ${project}, ${environment} is deployed in ${some(places)}.`);
  const names = deployed.flatMap((place) => (place.domain === domain ? [place.environment] : []));
  const hint =
    names.length === 0 ? `Nothing is deployed in ${where}.` : `Deployed in ${where}: ${some(names)}.`;
  return missing(message, `${hint} Deploy it with \`godwit deploy <file>\`.`);
}

function versionText({ version }: WantedTask, caller: DeployedCode | undefined): string {
  if (version === "latest") return "";
  if (version !== "current") return ` at version "${version}"`;
  return caller === undefined
    ? " at the version of its caller"
    : ` at the version of its caller, "${caller.version}",`;
}

function missing(message: string, hint: string): GodwitError {
  return new GodwitError("TASK_NOT_FOUND", message, { hint });
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMED).join(", ");
  return names.length > MOST_NAMED ? `${shown}, …` : shown;
}
