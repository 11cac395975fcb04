import { GodwitError } from "../core/errors.ts";
import { findTaskCalls, type TaskCall } from "./calls/task-calls.ts";
import { dependenciesOf } from "./environments.ts";
import type { LoadedFile } from "./load.ts";
import { shownPlace } from "./shown-place.ts";

/** A call that nothing would answer, as it is told. */
export interface UnansweredCall {
  readonly caller: string;
  readonly callee: string;
  /** Path as the user would write it, with line and column; empty when it cannot be told. */
  readonly place: string;
}

/**
 * Refuses environments whose tasks call tasks of environments that they do not depend on: the call would fail once it
 * is deployed. Only calls that are certain count; the rest is told when it happens, as ENVIRONMENT_NOT_DEPLOYED.
 *
 * @throws GodwitError DEPENDENCY_MISSING with `details: { calls: UnansweredCall[] }`
 */
export async function refuseMissingDependencies(
  { bundle, registry }: LoadedFile,
  environments: readonly string[],
): Promise<void> {
  const tasks = registry.list();
  const all = new Set(tasks.map((task) => task.environment.name));
  const reachable = new Map(
    environments.map((name) => [name, new Set([name, ...dependenciesOf(registry, name)])]),
  );
  // Nothing can be missing where everything is reached: then nothing has to be read.
  if ([...reachable.values()].every((names) => names.size === all.size)) return;
  const missing = (await findTaskCalls(bundle, tasks)).filter(
    ({ caller, callee }) => reachable.get(caller.environment.name)?.has(callee.environment.name) === false,
  );
  const [first] = missing;
  if (first !== undefined) throw refusal(first, missing, bundle.root);
}

function refusal(first: TaskCall, all: readonly TaskCall[], root: string): GodwitError {
  const calls = all.map(
    ({ caller, callee, place }): UnansweredCall => ({
      caller: caller.name,
      callee: callee.name,
      place: place === null ? "" : shownPlace(root, place),
    }),
  );
  const from = first.caller.environment.name;
  const to = first.callee.environment.name;
  const at = calls[0]?.place === "" ? "" : ` (${calls[0]?.place})`;
  const more = calls.length > 1 ? `, and ${calls.length - 1} more like it` : "";
  return new GodwitError(
    "DEPENDENCY_MISSING",
    `\`${first.caller.name}\` calls \`${first.callee.name}\`${at}, but the environment \`${from}\` does not depend on \`${to}\`${more}`,
    {
      details: { calls },
      hint: `Define \`${from}\` with \`dependsOn: [${to}]\`, where ${to} is the other environment, or with \`dependsOn: () => [${to}]\` when they depend on each other.`,
    },
  );
}
