import type { CallOptions, RemoteTarget } from "../core/call.ts";
import { GodwitError } from "../core/errors.ts";
import { environmentOf } from "../core/task-name.ts";
import type { RunRow } from "../store/rows.ts";
import type { ParentCall } from "./call-plan.ts";
import type { DeployedCode } from "./deployments.ts";
import { findVersion } from "./version.ts";
import type { Work } from "./work.ts";

/** Where a call is executed. `options`: those the task was deployed with, where the caller does not know them. */
export type Target =
  /** By the runners of its parent, with the parent's code. */
  | { readonly kind: "here"; readonly options?: CallOptions }
  /** By the runners of another deployment. */
  | { readonly kind: "there"; readonly deployment: string; readonly options?: CallOptions }
  /** Nowhere: the call fails. */
  | { readonly kind: "missing"; readonly error: GodwitError };

const HERE: Target = { kind: "here" };

/**
 * Where calls are executed. A task of the parent's own environment stays in its deployment; one of another environment
 * goes to the deployment that this one depends on; a remote task to the version it names. What is decided is stored
 * with the action: a replay that makes the call again finds it, whatever was deployed meanwhile.
 */
export async function targetsOf(work: Work, calls: readonly ParentCall[]): Promise<Target[]> {
  const isLeaving = calls.map(leaves);
  if (!isLeaving.includes(true)) return calls.map(() => HERE);
  const leaving = calls.filter((_, i) => isLeaving[i]);
  const parents = await work.deployments.read(
    work.sql,
    leaving.map(({ parent }) => parent.deployment ?? work.run(parent.run_id).deployment),
  );
  const known = new Map<string, Target>();
  const targets: Target[] = [];
  for (const [i, item] of calls.entries()) {
    if (isLeaving[i] !== true) {
      targets.push(HERE);
      continue;
    }
    const run = work.run(item.parent.run_id);
    const caller = parents.get(item.parent.deployment ?? run.deployment);
    const { task, options } = item.call;
    const key = JSON.stringify([run.project, run.domain, caller?.id, task, options?.remote]);
    const target = known.get(key) ?? (await targetOf(work, item, { run, caller }));
    known.set(key, target);
    targets.push(target);
  }
  return targets;
}

/** Whether a call may leave its parent's deployment; most never do, and cost no lookup. */
function leaves({ parent, call }: ParentCall): boolean {
  if (call.kind !== "task") return false;
  return call.options?.remote !== undefined || environmentOf(call.task) !== environmentOf(parent.task);
}

interface Caller {
  readonly run: RunRow;
  /** Undefined: code that was never deployed. */
  readonly caller: DeployedCode | undefined;
}

async function targetOf(work: Work, { call }: ParentCall, from: Caller): Promise<Target> {
  const { run, caller } = from;
  const environment = environmentOf(call.task);
  const { remote } = call.options ?? {};
  // Code that was never deployed is in one process alone, which says best what it has.
  if (caller === undefined && (remote === undefined || !namesVersion(remote))) return HERE;
  try {
    if (remote !== undefined) return await remoteTarget(work, call, from);
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    return { kind: "missing", error };
  }
  // A whole file has all its tasks with it.
  if (caller === undefined || caller.environment === null || caller.environment === environment) return HERE;
  const deployment = caller.dependsOn[environment];
  if (deployment !== undefined) return { kind: "there", deployment };
  const message = `${caller.environment} was deployed without ${environment}, whose task ${call.task} it calls in run ${run.id}`;
  return { kind: "missing", error: new GodwitError("ENVIRONMENT_NOT_DEPLOYED", message) };
}

function namesVersion({ version }: RemoteTarget): boolean {
  return version !== "latest" && version !== "current";
}

/** @throws GodwitError TASK_NOT_FOUND; FORBIDDEN for a task of another project */
async function remoteTarget(work: Work, call: ParentCall["call"], from: Caller): Promise<Target> {
  const { run, caller } = from;
  const { version = "latest", project = run.project, domain = run.domain } = call.options?.remote ?? {};
  if (project !== run.project) {
    throw new GodwitError(
      "FORBIDDEN",
      `a run of the project "${run.project}" calls no task of "${project}"`,
      {
        hint: "Start a run there, with a key of that project: `run(remote.task(…), input)`.",
      },
    );
  }
  const found = await findVersion(work.sql, { task: call.task, project, domain, version }, caller);
  const { deployment } = found;
  const options = JSON.parse(found.options) as CallOptions;
  // A whole file is executed where its run was started, which may be one process alone.
  const isWhole = deployment === caller?.id && caller.environment === null;
  return isWhole ? { kind: "here", options } : { kind: "there", deployment, options };
}
