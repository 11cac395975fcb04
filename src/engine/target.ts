import type { CallOptions } from "../core/call.ts";
import { GodwitError } from "../core/errors.ts";
import { type ErrorRecord, toErrorRecord } from "../core/outcome.ts";
import { environmentOf } from "../core/task-name.ts";
import { findDeployment, readTask } from "../store/deployments.ts";
import type { RunRow } from "../store/rows.ts";
import type { ParentCall } from "./call-plan.ts";
import { codeOf, type DeployedCode } from "./deployments.ts";
import type { Work } from "./work.ts";

/** Where a call is executed. */
export type Target =
  /** By the runners of its parent, with the parent's code. */
  | { readonly kind: "here" }
  /** By the runners of another deployment. `options`: those it was deployed with, where the caller does not know them. */
  | { readonly kind: "there"; readonly deployment: string; readonly options?: CallOptions }
  /** Nowhere: the call fails. */
  | { readonly kind: "missing"; readonly error: ErrorRecord };

const HERE: Target = { kind: "here" };

/**
 * Where calls are executed. A task of the parent's own environment stays in its deployment; one of another environment
 * goes to the deployment that this one depends on; a remote task to the version it names. What is decided is stored
 * with the action: a replay that makes the call again finds it, whatever was deployed meanwhile.
 */
export async function targetsOf(work: Work, calls: readonly ParentCall[]): Promise<Target[]> {
  const parents = await work.deployments.read(
    work.sql,
    calls.filter(leaves).map(({ parent }) => parent.deployment ?? work.run(parent.run_id).deployment),
  );
  const known = new Map<string, Target>();
  const targets: Target[] = [];
  for (const item of calls) {
    if (!leaves(item)) {
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
  try {
    if (call.options?.remote !== undefined) return await remoteTarget(work, call, from);
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    return { kind: "missing", error: toErrorRecord(error, { task: call.task, action: call.id }) };
  }
  // Code that was never deployed, and a whole file, have all their tasks with them.
  if (caller === undefined || caller.environment === null || caller.environment === environment) return HERE;
  const deployment = caller.dependsOn[environment];
  if (deployment !== undefined) return { kind: "there", deployment };
  const message = `${caller.environment} was deployed without ${environment}, whose task ${call.task} it calls in run ${run.id}`;
  const error = new GodwitError("ENVIRONMENT_NOT_DEPLOYED", message);
  return { kind: "missing", error: toErrorRecord(error, { task: call.task, action: call.id }) };
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
  const environment = environmentOf(call.task);
  const place = { project, domain, environment };
  const isHere = domain === run.domain;
  const depended = version === "current" && isHere ? caller?.dependsOn[environment] : undefined;
  const wanted = version === "latest" ? null : version === "current" ? (caller?.version ?? "") : version;
  const found =
    depended === undefined
      ? await findDeployment(work.sql, place, wanted).then((row) =>
          row === undefined ? undefined : codeOf(row),
        )
      : (await work.deployments.read(work.sql, [depended])).get(depended);
  const task = found === undefined ? undefined : await readTask(work.sql, found.id, call.task);
  if (found !== undefined && task !== undefined) {
    return { kind: "there", deployment: found.id, options: JSON.parse(task.options) as CallOptions };
  }
  const missing = found === undefined ? "is not deployed" : `has no such task in version "${found.version}"`;
  const at = version === "latest" ? "" : ` at version "${wanted}"`;
  throw new GodwitError(
    "TASK_NOT_FOUND",
    `no task "${call.task}"${at} in ${project}/${domain}: the environment "${environment}" ${missing}`,
  );
}
