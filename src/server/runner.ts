import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { holdCredentials } from "../../adapters/local/credentials.ts";
import { startLocalRunners } from "../../adapters/local/runners.ts";
import type { RunnerDeath } from "../../adapters/local/supervisor.ts";
import type { GodwitError } from "../core/errors.ts";
import { checkEndpoint, type RunnerSettings, wantedRunner } from "./runner-settings.ts";

export interface RunnerHooks {
  /** Told how a process ended that should not have; another has been started. */
  readonly onDeath: (death: RunnerDeath) => void;
  /** What is printed by code that belongs to no task. */
  readonly onOutput: (text: string) => void;
}

export interface RunningRunner {
  /** What the ids of its processes begin with. */
  readonly id: string;
  readonly processes: number;
  /** Resolves when the coordinator will have nothing to do with it any more. */
  readonly refused: Promise<GodwitError>;
  /** Hands back what is not done within a few seconds, and ends the processes. */
  stop(): Promise<void>;
}

const MAX_PROCESSES = 4;
/** Docker kills ten seconds after it asked. */
const STOP_GRACE_MS = 5_000;

/**
 * Starts runners that serve a coordinator anywhere: all they need is its address and an API key.
 *
 * @throws GodwitError CONFIG_INVALID; UNAUTHENTICATED, FORBIDDEN, DEPLOYMENT_NOT_FOUND; ENDPOINT_UNREACHABLE
 */
export async function startRunner(settings: RunnerSettings, hooks: RunnerHooks): Promise<RunningRunner> {
  const { apiKey, slots, heapMiB, secretsDir, domain } = settings;
  const endpoint = checkEndpoint(settings.endpoint);
  const { processes = Math.min(availableParallelism(), MAX_PROCESSES) } = settings;
  const refused = Promise.withResolvers<GodwitError>();
  const credentials = await holdCredentials({
    endpoint,
    apiKey,
    wanted: wantedRunner(settings, hostname()),
    onRefused: refused.resolve,
  });
  const dir = settings.cacheDir ?? (await mkdtemp(join(tmpdir(), "godwit-runner-")));
  const runners = startLocalRunners({
    ...hooks,
    ...{ endpoint, credentials, dir, count: processes, backend: "host" },
    ...(slots !== undefined && { slots }),
    ...(heapMiB !== undefined && { heapMiB }),
    ...(secretsDir !== undefined && { secretsDir }),
    ...(domain !== undefined && { secretsDomain: domain }),
  });
  return {
    id: credentials.runner,
    processes,
    refused: refused.promise,
    async stop() {
      await runners.stop({ graceMs: STOP_GRACE_MS });
      credentials.stop();
      if (settings.cacheDir === undefined) await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
