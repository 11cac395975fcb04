import { createHash } from "node:crypto";
import type { CallOptions } from "./call.ts";
import type { Json } from "./error-record.ts";
import { GodwitError } from "./errors.ts";
import { environmentOf } from "./task-name.ts";

/** A task as it is deployed. */
export interface DeployedTask {
  readonly name: string;
  readonly description?: string | null | undefined;
  /** JSON Schema (2020-12) of the input; null or absent accepts anything. */
  readonly inputSchema?: Json | undefined;
  readonly outputSchema?: Json | undefined;
  readonly options?: CallOptions | undefined;
  readonly codeHash?: string | null | undefined;
}

/** An environment as it is deployed. */
export interface DeployedEnvironment {
  readonly name: string;
  /** SHA-256 of its code. */
  readonly bundle: string;
  readonly description?: string | null | undefined;
  /** Variables of its runners. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Environments whose tasks it calls; they are deployed together with it. */
  readonly dependsOn?: readonly string[] | undefined;
  readonly tasks: readonly DeployedTask[];
}

/** Environments that are deployed together: all of them, or none. */
export interface Release {
  readonly project: string;
  readonly domain: string;
  /** For all of them. Default: of each, what its content says. */
  readonly version?: string | undefined;
  readonly environments: readonly DeployedEnvironment[];
}

/** A deployment that a release makes. */
export interface PlannedDeployment {
  readonly id: string;
  readonly version: string;
  readonly environment: DeployedEnvironment;
  /** Ids of the deployments that it depends on, by environment. */
  readonly dependsOn: Readonly<Record<string, string>>;
}

const VERSION_CHARACTERS = 12;

/**
 * The deployments of a release. An id is the hash of all that its deployment consists of: what it is deployed from,
 * what it depends on, and where. Environments may depend on each other, so what counts of the others is their content,
 * not their ids.
 *
 * @throws GodwitError DEPENDENCY_MISSING, INVALID_REQUEST
 */
export function planRelease({ project, domain, version, environments }: Release): PlannedDeployment[] {
  const byName = new Map(environments.map((environment) => [environment.name, environment]));
  if (byName.size < environments.length) throw invalid("names an environment twice");
  for (const environment of environments) check(environment, byName);
  const contents = new Map(environments.map((environment) => [environment.name, contentOf(environment)]));
  const ids = new Map(
    environments.map(({ name }) => {
      const reached = reachedFrom(name, byName).map((other) => [other, contents.get(other)]);
      return [name, sha256(["deployment", project, domain, name, version ?? null, reached])];
    }),
  );
  return environments.map((environment) => {
    const id = ids.get(environment.name) ?? "";
    const dependsOn = (environment.dependsOn ?? []).map((name) => [name, ids.get(name) ?? ""] as const);
    return {
      id,
      version: version ?? id.slice(0, VERSION_CHARACTERS),
      environment,
      dependsOn: Object.fromEntries(dependsOn),
    };
  });
}

function check(
  { name, dependsOn = [], tasks }: DeployedEnvironment,
  all: ReadonlyMap<string, DeployedEnvironment>,
): void {
  const stranger = tasks.find((task) => environmentOf(task.name) !== name);
  if (stranger !== undefined) throw invalid(`has the task "${stranger.name}" in the environment "${name}"`);
  const missing = dependsOn.find((other) => !all.has(other));
  if (missing === undefined) return;
  throw new GodwitError(
    "DEPENDENCY_MISSING",
    `the environment "${name}" depends on "${missing}", which is not deployed with it`,
  );
}

function invalid(reason: string): GodwitError {
  return new GodwitError("INVALID_REQUEST", `the release ${reason}`);
}

/** The environments that one reaches, itself included, by name. */
function reachedFrom(name: string, all: ReadonlyMap<string, DeployedEnvironment>): string[] {
  const reached = new Set<string>();
  for (const queue = [name]; queue.length > 0; ) {
    const next = queue.pop() ?? "";
    if (reached.has(next)) continue;
    reached.add(next);
    queue.push(...(all.get(next)?.dependsOn ?? []));
  }
  return [...reached].sort();
}

function contentOf({ name, bundle, description, env, dependsOn, tasks }: DeployedEnvironment): string {
  const sorted = [...tasks].sort((a, b) => (a.name < b.name ? -1 : 1));
  return sha256({
    ...{ name, bundle, description: description ?? null, env: env ?? {} },
    dependsOn: [...(dependsOn ?? [])].sort(),
    tasks: sorted.map((task) => ({
      name: task.name,
      description: task.description ?? null,
      inputSchema: task.inputSchema ?? null,
      outputSchema: task.outputSchema ?? null,
      options: task.options ?? {},
      codeHash: task.codeHash ?? null,
    })),
  });
}

function sha256(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(inOrder(value)))
    .digest("hex");
}

/** The same for the same content, in whatever order its properties were written. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, inOrder(inner)]),
  );
}
