import { isDeepStrictEqual } from "node:util";
import type { DeployedView, DeploymentDetail } from "../../client/api.ts";
import type { DeployedEnvironment, DeployedTask } from "../../core/deployment.ts";

/**
 * What a release makes of an environment. `restored`: it was deployed before, something else meanwhile, and now it is
 * the newest again.
 */
export type EnvironmentState = "new" | "changed" | "restored" | "unchanged";

export function stateOf({ id, isNew, previous }: DeployedView): EnvironmentState {
  if (previous === null) return "new";
  if (previous === id) return "unchanged";
  return isNew ? "changed" : "restored";
}

/** What is other than in the deployment before. */
export type ChangedPart = "code" | "settings" | "schema" | "description";

export interface TaskChange {
  readonly task: string;
  readonly change: "added" | "removed" | "changed";
  /** Empty unless it is changed. */
  readonly parts: readonly ChangedPart[];
}

/** How the tasks of an environment differ from those of the deployment before, by name. */
export function compareTasks(
  before: Pick<DeploymentDetail, "tasks"> | null,
  after: Pick<DeployedEnvironment, "tasks">,
): TaskChange[] {
  const old = new Map((before?.tasks ?? []).map((task) => [task.name, task]));
  const now = new Map(after.tasks.map((task) => [task.name, task]));
  const changes: TaskChange[] = [];
  for (const task of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [was, is] = [old.get(task), now.get(task)];
    if (was === undefined) changes.push({ task, change: "added", parts: [] });
    else if (is === undefined) changes.push({ task, change: "removed", parts: [] });
    else {
      const parts = changedParts(was, is);
      if (parts.length > 0) changes.push({ task, change: "changed", parts });
    }
  }
  return changes;
}

function changedParts(was: DeployedTask, is: DeployedTask): ChangedPart[] {
  const pairs: Readonly<Record<ChangedPart, readonly [unknown, unknown]>> = {
    code: [was.codeHash, is.codeHash],
    settings: [was.options ?? {}, is.options ?? {}],
    schema: [
      [was.inputSchema, was.outputSchema],
      [is.inputSchema, is.outputSchema],
    ],
    description: [was.description, is.description],
  };
  return Object.entries(pairs).flatMap(([part, [one, other]]) =>
    isSame(one, other) ? [] : [part as ChangedPart],
  );
}

/** Whether an environment differs in what its tasks share. */
export function hasOtherSettings(
  before: Pick<DeploymentDetail, "description" | "env" | "dependsOn">,
  after: Pick<DeployedEnvironment, "description" | "env" | "dependsOn">,
): boolean {
  const was = [before.description, before.env, Object.keys(before.dependsOn).sort()];
  const is = [after.description ?? null, after.env ?? {}, [...(after.dependsOn ?? [])].sort()];
  return !isSame(was, is);
}

/** Whether two things are the same once they have travelled as JSON. */
function isSame(one: unknown, other: unknown): boolean {
  const [first, second] = JSON.parse(JSON.stringify([one ?? null, other ?? null])) as [unknown, unknown];
  return isDeepStrictEqual(first, second);
}
