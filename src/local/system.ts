import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { GodwitError } from "../core/errors.ts";
import { EngineCore } from "../engine/core.ts";
import { loseDeadRunners } from "../engine/lost.ts";
import { startTicker } from "../engine/ticker.ts";
import { systemClock } from "../ports/clock.ts";
import { systemRandom } from "../ports/random.ts";
import type { SqlDriver } from "../store/driver.ts";
import { ignoreData } from "./data-ignore.ts";
import { isAlive } from "./process-alive.ts";

/** The engine in this process, over the data of a folder or of a shared database. */
export interface LocalSystem {
  readonly core: EngineCore;
  readonly folder: DataFolder;
  /** Starts to do what time makes due: sleeps, retries, limits. */
  startTicking(): void;
  close(): Promise<void>;
}

export interface LocalOptions {
  /** Default: `GODWIT_DATA_DIR`, else `.godwit`. */
  readonly dataDir?: string | undefined;
  /** `postgres://…`; default: `GODWIT_DATABASE_URL`, else SQLite in the data folder. */
  readonly databaseUrl?: string | undefined;
  /** Whether the folder is made although the data is elsewhere. Default true. */
  readonly makesFolder?: boolean;
  /** How long a runner is believed to live after it was last heard of. Default 30 s. */
  readonly leaseMs?: number | undefined;
  /** Told what a tick threw; it is tried again. */
  readonly onError?: (error: unknown) => void;
}

/** Where a machine keeps its data. */
export interface DataFolder {
  readonly path: string;
  /** Bundles by hash. */
  readonly bundles: string;
  /** Secrets, as `<project>/<domain>/<NAME>`. */
  readonly secrets: string;
  /** Files of tasks. */
  readonly blobs: string;
}

type Names = [bundles: string, secrets: string, blobs: string];

/** The data folder that is meant, without making it. */
export function dataFolder(dataDir: string | undefined): DataFolder {
  const path = resolve(dataDir ?? (process.env["GODWIT_DATA_DIR"] || ".godwit"));
  const [bundles, secrets, blobs] = ["bundles", "secrets", "blobs"].map((name) => join(path, name)) as Names;
  return { path, bundles, secrets, blobs };
}

/** The database that is meant; undefined: the one in the data folder. */
export function databaseUrl(given: string | undefined): string | undefined {
  return given ?? (process.env["GODWIT_DATABASE_URL"] || undefined);
}

/** Opens the store, making it when there is none, and gives the engine on it. */
export async function openLocal(options: LocalOptions = {}): Promise<LocalSystem> {
  const folder = dataFolder(options.dataDir);
  const url = databaseUrl(options.databaseUrl);
  if (url === undefined || options.makesFolder !== false) await makeFolder(folder);
  const driver = await openDriver(url ?? folder.path);
  const core = new EngineCore({
    ...{ driver, clock: systemClock, random: systemRandom },
    ...(options.leaseMs !== undefined && { leaseMs: options.leaseMs }),
  });
  const stopWatching = driver.watch((topic) =>
    topic === "*" ? core.hub.notifyAll() : core.hub.notify(topic),
  );
  let stopTicking = async (): Promise<void> => undefined;
  return {
    core,
    folder,
    startTicking() {
      const ticker = startTicker(core, options.onError ?? (() => undefined));
      stopTicking = () => ticker.stop();
    },
    async close() {
      stopWatching();
      await stopTicking();
      await driver.close();
    },
  };
}

async function openDriver(location: string): Promise<SqlDriver> {
  const { openStore } = await import("../store/open.ts");
  return openStore(location);
}

/** A data folder keeps itself out of version control. */
async function makeFolder({ path, bundles }: DataFolder): Promise<void> {
  try {
    await mkdir(bundles, { recursive: true });
    await ignoreData(path);
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(path: string, cause: unknown): GodwitError {
  return new GodwitError("STORE_UNAVAILABLE", `the data folder ${path} cannot be written`, {
    cause,
    hint: "Choose another with `--data-dir` or GODWIT_DATA_DIR.",
  });
}

/** Lets go of what runners held that died on this machine without a word, such as those of a killed `godwit dev`. */
export function loseDeadLocalRunners(core: EngineCore): Promise<number> {
  return loseDeadRunners(core, { backend: "local", host: hostname() }, isAlive);
}
