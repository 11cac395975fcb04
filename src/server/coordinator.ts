import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openBlobs } from "../../adapters/open-blobs.ts";
import { createCoordinator } from "../coordinator/app.ts";
import type { LogEntry } from "../coordinator/parts.ts";
import { type DataFolder, dataFolder, type LocalSystem, openLocal } from "../local/system.ts";
import { listApiKeys } from "../store/api-keys.ts";
import {
  authOf,
  type CoordinatorSettings,
  checkPublicUrl,
  DEFAULT_HOST,
  DEFAULT_PORT,
} from "./coordinator-settings.ts";
import { BLOBS_PATH, listenFirst, serveFolder } from "./folder-blobs.ts";
import { isLoopback, type Listening } from "./listen.ts";
import { keptSigningKey, parseSigningKey, secretFrom } from "./signing-key.ts";

export interface RunningCoordinator {
  /** Where it is reached. */
  readonly url: string;
  /** What people should know before others rely on it. */
  readonly advice: readonly string[];
  /** Takes no more requests, lets those under way end, and closes the database. */
  stop(): Promise<void>;
}

/** Long enough for everything but a request that waits for something to happen, which is sent again. */
const STOP_GRACE_MS = 3_000;

/**
 * Starts a coordinator with everything it needs in this process: database, blob store, signing key, clock.
 *
 * @throws GodwitError CONFIG_INVALID, PORT_IN_USE, STORE_UNAVAILABLE
 */
export async function startCoordinator(
  settings: CoordinatorSettings,
  onLog: (entry: LogEntry) => void,
): Promise<RunningCoordinator> {
  const auth = await authOf(settings);
  const publicUrl = settings.publicUrl === undefined ? undefined : checkPublicUrl(settings.publicUrl).origin;
  const folder = dataFolder(settings.dataDir);
  const signingKey =
    settings.signingKey === undefined
      ? await keptSigningKey(join(folder.path, "signing-key"))
      : parseSigningKey(settings.signingKey, "GODWIT_SIGNING_KEY");
  const { host = DEFAULT_HOST, port = DEFAULT_PORT } = settings;
  const { server, app } = await listenFirst({ host, port });
  try {
    const signing = {
      baseUrl: (publicUrl ?? server.url) + BLOBS_PATH,
      secret: secretFrom(signingKey, "blob urls"),
    };
    const blobs = await openBlobs(settings.blobs ?? pathToFileURL(folder.blobs).href, { signing });
    const system = await openSystem(folder, settings, onLog);
    try {
      const { core } = system;
      const coordinator = createCoordinator({ core, auth, signingKey, blobs, onLog });
      if (blobs.capabilities.scheme === "file") {
        serveFolder(coordinator, { store: blobs, signing, nowMs: () => core.clock.now() });
      }
      const advice = await adviceFor(system, settings, auth.mode);
      app.resolve(coordinator);
      system.startTicking();
      return { url: publicUrl ?? server.url, advice, stop: () => stop(server, system) };
    } catch (error) {
      await system.close();
      throw error;
    }
  } catch (error) {
    app.reject(error);
    await server.close();
    throw error;
  }
}

function openSystem(
  { path }: DataFolder,
  { databaseUrl, leaseMs }: CoordinatorSettings,
  onLog: (entry: LogEntry) => void,
): Promise<LocalSystem> {
  const onError = (error: unknown): void =>
    onLog({ level: "error", message: "a tick failed and is tried again", requestId: "", error });
  return openLocal({ dataDir: path, databaseUrl, leaseMs, makesFolder: false, onError });
}

async function stop(server: Listening, system: LocalSystem): Promise<void> {
  await server.close({ graceMs: STOP_GRACE_MS });
  await system.close();
}

async function adviceFor(
  { core }: LocalSystem,
  { host = DEFAULT_HOST, databaseUrl, blobs, publicUrl, signingKey }: CoordinatorSettings,
  mode: "open" | "keys",
): Promise<readonly string[]> {
  const isFolder = blobs === undefined || blobs.startsWith("file:");
  const keys = await core.driver.read((sql) => listApiKeys(sql, null, { after: null, limit: 1 }));
  const advice: readonly [isDue: boolean, text: string][] = [
    [
      mode === "keys" && keys.length === 0,
      "there is no API key yet; with the same database settings, make the first one: godwit create key admin --scope admin --local",
    ],
    [
      databaseUrl !== undefined && signingKey === undefined,
      "the signing key is in the data folder; set GODWIT_SIGNING_KEY when several coordinators share the database",
    ],
    [
      databaseUrl !== undefined && isFolder,
      "blobs are in a folder of this machine; set GODWIT_BLOBS when several coordinators share the database",
    ],
    [
      isFolder && !isLoopback(host) && publicUrl === undefined,
      "signed URLs name an address of this machine; set GODWIT_PUBLIC_URL to the one that clients and runners use",
    ],
  ];
  return advice.filter(([isDue]) => isDue).map(([, text]) => text);
}
