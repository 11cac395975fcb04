import type { DeployedEnvironment, DeployedTask } from "../core/deployment.ts";
import type { Json } from "../core/error-record.ts";
import type { EnvironmentDefinition, TaskDefinition } from "../sdk/definition.ts";
import type { Registry } from "../sdk/registry.ts";
import { jsonSchemaOf } from "../sdk/schema.ts";
import { type Bundle, type BundleOptions, buildEntries } from "./build.ts";
import { codeHashes } from "./code-hash.ts";
import { Places } from "./definition-place.ts";
import { type LoadedFile, loadInPlace } from "./load.ts";
import { reachedFrom } from "./reached.ts";

/** An environment with the code it is deployed with. */
export interface BuiltEnvironment {
  readonly deployed: DeployedEnvironment;
  readonly bundle: Bundle;
}

/**
 * Bundles each of `names` with the modules that define its tasks and what they import, so that an edit of another
 * environment's modules leaves its code as it is. Environments that are defined in the same modules share one bundle.
 *
 * What an environment's own modules do not define when they are loaded alone (tasks that the file makes in a loop, or
 * after an `await`) is deployed with the whole file.
 *
 * @throws GodwitError BUNDLE_FAILED, MODULE_LOAD_FAILED
 */
export async function buildEnvironments(
  file: LoadedFile,
  names: readonly string[],
  options: BundleOptions = {},
): Promise<BuiltEnvironment[]> {
  const places = new Places(file.bundle);
  const entries = new Map(names.map((name) => [name, entriesOf(file, places, name)]));
  const unique = new Map([...entries.values()].map((paths) => [paths.join("\n"), paths]));
  const own = [...unique].filter(([key]) => key !== file.bundle.entries.join("\n"));
  const bundles = await Promise.all(
    own.map(async ([key, paths]) => [key, await buildEntries(file.bundle.root, paths, options)] as const),
  );
  const loaded = new Map<string, LoadedFile>([[file.bundle.entries.join("\n"), file]]);
  // One after the other: modules may share what is global.
  for (const [key, bundle] of bundles) loaded.set(key, { bundle, registry: await loadInPlace(bundle) });
  return Promise.all(
    names.map((name) => {
      const alone = loaded.get(entries.get(name)?.join("\n") ?? "") ?? file;
      const from = hasSameTasks(alone.registry, file.registry, name) ? alone : file;
      return describe(from, name, dependenciesOf(file.registry, name));
    }),
  );
}

/** The tasks that a file defines in an environment. */
export function tasksOf(registry: Registry, environment: string): TaskDefinition[] {
  return registry.list().filter((task) => task.environment.name === environment);
}

/** The modules that define the tasks of an environment; the whole file when one of them cannot be located. */
function entriesOf({ bundle, registry }: LoadedFile, places: Places, name: string): readonly string[] {
  const modules = tasksOf(registry, name).map((task) => places.modulesOf(task));
  if (modules.length === 0 || modules.some((paths) => paths.length === 0)) return bundle.entries;
  return [...new Set(modules.flat())].sort();
}

function hasSameTasks(one: Registry, other: Registry, environment: string): boolean {
  const namesIn = (registry: Registry): string =>
    tasksOf(registry, environment)
      .map(({ name }) => name)
      .sort()
      .join("\n");
  return namesIn(one) === namesIn(other);
}

async function describe(
  { bundle, registry }: LoadedFile,
  name: string,
  dependsOn: readonly string[],
): Promise<BuiltEnvironment> {
  const environments = registry.environments();
  const { env, description } = environments.find((each) => each.name === name) as EnvironmentDefinition;
  const tasks = tasksOf(registry, name);
  const hashes = await codeHashes(bundle, tasks);
  const deployed = {
    ...{ name, bundle: bundle.hash, description, env, dependsOn },
    tasks: tasks.map((task) => describeTask(task, hashes.get(task.name) ?? null)),
  };
  return { deployed, bundle };
}

/**
 * The environments with tasks that one depends on, directly or over others: whatever is called on the way down is
 * deployed with it.
 */
export function dependenciesOf(registry: Registry, environment: string): string[] {
  const direct = new Map(registry.environments().map(({ name, dependsOn }) => [name, dependsOn]));
  const reached = reachedFrom(environment, (name) => direct.get(name) ?? []);
  return reached.filter((name) => name !== environment && tasksOf(registry, name).length > 0);
}

/** Environments and all that they depend on, in order of name. */
export function withDependencies(registry: Registry, environments: readonly string[]): string[] {
  const all = environments.flatMap((name) => [name, ...dependenciesOf(registry, name)]);
  return [...new Set(all)].sort();
}

function describeTask(
  { name, description, input, output, options }: TaskDefinition,
  codeHash: string | null,
): DeployedTask {
  return {
    ...{ name, description, options, codeHash },
    inputSchema: input === undefined ? null : (jsonSchemaOf(input, "input") as Json),
    outputSchema: output === undefined ? null : (jsonSchemaOf(output, "output") as Json),
  };
}
