import { hostname } from "node:os";
import { resolve } from "node:path";
import { openLocalBlobs } from "../../adapters/local/blobs.ts";
import { openLocalSecrets } from "../../adapters/local/secrets.ts";
import { projectPrefix } from "../core/blob-keys.ts";
import { DEFAULT_PROJECT } from "../core/place.ts";
import { directTransport } from "../engine/direct.ts";
import { privatePool } from "../engine/hub.ts";
import { systemRandom } from "../ports/random.ts";
import { projectBlobs } from "../runner/blob-places.ts";
import { captureConsole } from "../runner/console.ts";
import { Runner } from "../runner/runner.ts";
import { guardProcess } from "../runner/stray.ts";
import { ValueStore } from "../runner/values.ts";
import type { BlobAccess } from "../sdk/blobs.ts";
import type { TaskDefinition } from "../sdk/definition.ts";
import { registry } from "../sdk/registry.ts";
import type { RunStarter } from "../sdk/starter.ts";
import { engineStarter, runHandle } from "./starter.ts";
import { dataFolder, type LocalSystem, loseDeadLocalRunners, openLocal } from "./system.ts";

export interface LocalStarterOptions {
  /** Default: `GODWIT_DATA_DIR`, else `.godwit`. */
  readonly dataDir?: string | undefined;
  /** Project of the runs and files. Default `default`. */
  readonly project?: string | undefined;
  /** Domain of the runs. Default `development`. */
  readonly domain?: string | undefined;
}

/** Gives what starts runs at a place. */
type StartAt = (place: Pick<LocalStarterOptions, "project" | "domain">) => RunStarter;

/** Code that was never bundled belongs to no deployment; only the process that defined it can execute it. */
const INLINE_DEPLOYMENT = "inline";

const starters = new Map<string, Promise<StartAt>>();

/**
 * Starts runs in this process, with the tasks that were defined in it. One engine per data folder; the process ends
 * when its own code and all runs it started are done.
 */
export async function localStarter({ dataDir, ...place }: LocalStarterOptions = {}): Promise<RunStarter> {
  const path = resolve(dataFolder(dataDir).path);
  const known = starters.get(path);
  if (known !== undefined) return (await known)(place);
  const starting = start(path);
  starters.set(path, starting);
  // A store that could not be opened may be there next time.
  starting.catch(() => starters.delete(path));
  return (await starting)(place);
}

/** The files of a project on this machine. */
export function localBlobs(options: LocalStarterOptions = {}): BlobAccess {
  const store = openLocalBlobs({ folder: dataFolder(options.dataDir).blobs });
  return { store, prefix: projectPrefix(options.project ?? DEFAULT_PROJECT) };
}

async function start(dataDir: string): Promise<StartAt> {
  const system = await openLocal({ dataDir });
  const { core } = system;
  await loseDeadLocalRunners(core);
  const id = `w${systemRandom.id()}`;
  const pool = privatePool(id);
  const blobs = projectBlobs(openLocalBlobs({ folder: system.folder.blobs }));
  const runner = new Runner({
    id,
    transport: directTransport(core),
    tasks: { find: async (_, task) => registry.get(task) },
    secrets: openLocalSecrets({ folder: system.folder.secrets }),
    pools: [pool],
    backend: "local",
    host: hostname(),
    pid: process.pid,
    blobs,
  });
  const values = new ValueStore({ blobs });
  const undo = [captureConsole({ tee: true }), guardProcess()];
  system.startTicking();
  runner.start();
  closeWhenIdle(system, runner, undo);
  const alive = new KeepAlive();
  const onStart = (run: string): void => {
    const release = alive.hold();
    runHandle(core, run).wait().then(release, release);
  };
  const find = async (task: string): Promise<TaskDefinition> => registry.get(task);
  return ({ project, domain }) =>
    engineStarter(core, {
      ...{ deployment: INLINE_DEPLOYMENT, pool, find, onStart, values },
      ...(project !== undefined && { project }),
      ...(domain !== undefined && { domain }),
    });
}

/** Keeps the process from ending while runs that it started go on: nothing else may be left that holds it. */
class KeepAlive {
  #held = 0;
  #timer: NodeJS.Timeout | undefined;

  hold(): () => void {
    this.#held += 1;
    this.#timer ??= setInterval(() => undefined, 2 ** 30);
    return () => {
      this.#held -= 1;
      if (this.#held > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }
}

/** Ends in order when nothing is left to do: the log is written back, and the runner does not look lost. */
function closeWhenIdle(system: LocalSystem, runner: Runner, undo: readonly (() => void)[]): void {
  process.once("beforeExit", () => {
    starters.delete(system.folder.path);
    for (const restore of undo) restore();
    void runner.stop({ graceMs: 0 }).then(() => system.close());
  });
}
