import type { RunnerBody } from "../client/api.ts";
import { GodwitError } from "../core/errors.ts";
import { readCount, readNames, readText } from "./variables.ts";

/** What runners are started with; `undefined`: not given. */
export interface RunnerSettings {
  /** The coordinator. */
  readonly endpoint?: string | undefined;
  /** API key with the scope `runners`. */
  readonly apiKey?: string | undefined;
  /** Processes that execute tasks. Default: one for each processor, at most 4. */
  readonly processes?: number | undefined;
  /** Actions that each of them executes at once. Default 100. */
  readonly slots?: number | undefined;
  /** Heap of each process in MiB. Default: V8's own limit. */
  readonly heapMiB?: number | undefined;
  /** The only deployments they serve. Default: all. */
  readonly pools?: readonly string[] | undefined;
  /** The only environments they serve. Default: all. */
  readonly environments?: readonly string[] | undefined;
  /** Default: that of the key. */
  readonly project?: string | undefined;
  /** Default: all. Secrets in the environment are for this domain; default `development`. */
  readonly domain?: string | undefined;
  /** What people know them by. Default: the name of this machine. */
  readonly name?: string | undefined;
  /** Folder in which bundles are kept. Default: a temporary one that goes with the process. */
  readonly cacheDir?: string | undefined;
  /** Folder in which secrets are, as `<project>/<domain>/<NAME>`. Default: none. */
  readonly secretsDir?: string | undefined;
}

/** The settings of runners in the environment of a process. @throws GodwitError CONFIG_INVALID */
export function runnerSettings(env: NodeJS.ProcessEnv): RunnerSettings {
  return {
    endpoint: readText(env, "GODWIT_ENDPOINT"),
    apiKey: readText(env, "GODWIT_TOKEN"),
    processes: readCount(env, "GODWIT_PROCESSES", { least: 1 }),
    slots: readCount(env, "GODWIT_SLOTS", { least: 1 }),
    heapMiB: readCount(env, "GODWIT_HEAP_MIB", { least: 16 }),
    pools: readNames(env, "GODWIT_POOLS"),
    environments: readNames(env, "GODWIT_ENVIRONMENTS"),
    project: readText(env, "GODWIT_PROJECT"),
    domain: readText(env, "GODWIT_DOMAIN"),
    name: readText(env, "GODWIT_RUNNER_NAME"),
    cacheDir: readText(env, "GODWIT_CACHE_DIR"),
    secretsDir: readText(env, "GODWIT_SECRETS_DIR"),
  };
}

/**
 * The address of the coordinator.
 *
 * @throws GodwitError CONFIG_INVALID
 */
export function checkEndpoint(endpoint: string | undefined): string {
  if (endpoint !== undefined && URL.canParse(endpoint) && /^https?:/.test(endpoint)) return endpoint;
  const what =
    endpoint === undefined ? "a runner needs the address of its coordinator" : `"${endpoint}" is no address`;
  throw new GodwitError("CONFIG_INVALID", what, {
    hint: "Give it with `--endpoint` or GODWIT_ENDPOINT, such as `https://godwit.example.com`.",
  });
}

/** What a coordinator is asked for. */
export function wantedRunner(settings: RunnerSettings, hostname: string): RunnerBody {
  const { pools, environments, project, domain, name = hostname } = settings;
  return {
    name: name.replaceAll(/[^A-Za-z0-9_-]+/g, "-").slice(0, MAX_NAME_CHARACTERS) || "runner",
    ...(pools !== undefined && { pools }),
    ...(environments !== undefined && { environments }),
    ...(project !== undefined && { project }),
    ...(domain !== undefined && { domain }),
  };
}

const MAX_NAME_CHARACTERS = 40;
