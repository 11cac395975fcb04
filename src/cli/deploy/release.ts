import type { BundleOptions } from "../../bundle/build.ts";
import { refuseDuplicates } from "../../bundle/duplicates.ts";
import { type BuiltEnvironment, buildEnvironments, withDependencies } from "../../bundle/environments.ts";
import type { LoadedFile } from "../../bundle/load.ts";
import { refuseMissingDependencies } from "../../bundle/missing-dependencies.ts";
import type { DeployReply } from "../../client/api.ts";
import type { GodwitClient } from "../../client/client.ts";
import type { Json } from "../../core/error-record.ts";
import { GodwitError } from "../../core/errors.ts";
import type { NamedPlace } from "../place.ts";
import { readGit } from "./git.ts";

/** Environments that are ready to be deployed: bundled, described and checked. Nothing has left this machine. */
export interface PreparedRelease {
  readonly environments: readonly BuiltEnvironment[];
  /** Where the code comes from. */
  readonly source: Json;
}

/**
 * Prepares environments of a file together with all that they depend on.
 *
 * @throws GodwitError DEPENDENCY_MISSING, TASK_DUPLICATE, BUNDLE_FAILED, MODULE_LOAD_FAILED
 */
export async function prepareRelease(
  file: LoadedFile,
  environments: readonly string[],
  options: BundleOptions = {},
): Promise<PreparedRelease> {
  const { registry, bundle } = file;
  refuseDuplicates(file);
  const names = withDependencies(registry, environments);
  const [built, git] = await Promise.all([buildAll(file, names, options), readGit(bundle.root)]);
  const external = Object.fromEntries(
    built.flatMap(({ deployed, bundle: { external: outside } }) =>
      Object.keys(outside).length === 0 ? [] : [[deployed.name, outside] as const],
    ),
  );
  const source = {
    file: bundle.entries[0] ?? "",
    ...(git !== null && { git: { ...git } }),
    ...(Object.keys(external).length > 0 && { external }),
  };
  return { environments: built, source };
}

async function buildAll(
  file: LoadedFile,
  names: readonly string[],
  options: BundleOptions,
): Promise<BuiltEnvironment[]> {
  await refuseMissingDependencies(file, names);
  return buildEnvironments(file, names, options);
}

/** How a release is deployed. */
export interface DeployOptions extends NamedPlace {
  /** Version of all its environments. Default: of each, what its content says. */
  readonly version?: string | undefined;
}

/**
 * Uploads the code that a coordinator does not have yet, then deploys all environments or none. Without `activate` they
 * are there for runs that name them, and the latest stays what it is.
 *
 * @throws GodwitError VERSION_CONFLICT, FORBIDDEN, UNAUTHENTICATED, ENDPOINT_UNREACHABLE
 */
export async function deployRelease(
  client: GodwitClient,
  { environments, source }: PreparedRelease,
  { version, activate = true, ...place }: DeployOptions & { readonly activate?: boolean },
): Promise<DeployReply> {
  const bundles = new Map(environments.map(({ bundle }) => [bundle.hash, bundle]));
  await Promise.all(
    [...bundles.values()].map(({ hash, code }) => client.uploadBundle(hash, new TextEncoder().encode(code))),
  );
  return client.deploy({
    ...place,
    ...(version !== undefined && { version }),
    activate,
    source,
    ...bodyOf(environments),
  });
}

/**
 * Registers one environment with all it depends on for a run, and gives the id of its deployment. Whoever runs what they
 * are working on does not change what others call.
 *
 * @throws as `deployRelease`
 */
export async function deployFor(
  client: GodwitClient,
  file: LoadedFile,
  { environment, external = [], ...place }: NamedPlace & BundleOptions & { readonly environment: string },
): Promise<string> {
  const release = await prepareRelease(file, [environment], { external });
  const { deployments } = await deployRelease(client, release, { ...place, activate: false });
  const found = deployments.find((deployment) => deployment.environment === environment);
  if (found !== undefined) return found.id;
  throw new GodwitError("INTERNAL", `the coordinator answered without the environment "${environment}"`);
}

/** What a release would do. Nothing is uploaded, and nothing changes. @throws GodwitError VERSION_CONFLICT, … */
export function planRelease(
  client: GodwitClient,
  { environments }: PreparedRelease,
  { version, ...place }: DeployOptions,
): Promise<DeployReply> {
  return client.deploy({
    ...place,
    ...(version !== undefined && { version }),
    ...bodyOf(environments),
    dryRun: true,
  });
}

function bodyOf(environments: readonly BuiltEnvironment[]): {
  readonly environments: BuiltEnvironment["deployed"][];
} {
  return { environments: environments.map(({ deployed }) => deployed) };
}
