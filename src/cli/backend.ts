import { GodwitClient } from "../client/client.ts";
import { systemRandom } from "../ports/random.ts";
import type { Cli } from "./cli.ts";

/** Where runs are read and changed: a coordinator, or the store of this machine. */
export interface Backend {
  readonly client: GodwitClient;
  /** For messages. */
  readonly place: string;
  close(): Promise<void>;
}

/**
 * The backend a command means. Without an endpoint it is a coordinator in this process, so that a command does the
 * same with and without a server.
 */
export async function openBackend(cli: Cli): Promise<Backend> {
  if (cli.endpoint !== undefined) {
    const { endpoint, token } = cli;
    return { client: new GodwitClient({ endpoint, token }), place: endpoint, close: async () => undefined };
  }
  const { openLocalBlobs } = await import("../../adapters/local/blobs.ts");
  const { BLOBS_PATH, serveFolder } = await import("../server/folder-blobs.ts");
  const { openLocal } = await import("../local/system.ts");
  const { createCoordinator } = await import("../coordinator/app.ts");
  const { core, folder, close } = await openLocal({ dataDir: cli.dataDir });
  const signingKey = new TextEncoder().encode(systemRandom.nonce(32));
  const endpoint = "http://localhost";
  const signing = { baseUrl: endpoint + BLOBS_PATH, secret: systemRandom.nonce(32) };
  const blobs = openLocalBlobs({ folder: folder.blobs, signing });
  const app = createCoordinator({ core, auth: { mode: "open" }, signingKey, blobs });
  serveFolder(app, { store: blobs, signing, nowMs: () => core.clock.now() });
  const fetch: typeof globalThis.fetch = async (input, init) => app.request(input as string, init);
  const client = new GodwitClient({ endpoint, fetch });
  return { client, place: folder.path, close };
}

/** Does something with the backend, and closes it. */
export async function withBackend<Result>(
  cli: Cli,
  work: (backend: Backend) => Promise<Result>,
): Promise<Result> {
  const backend = await openBackend(cli);
  try {
    return await work(backend);
  } finally {
    await backend.close();
  }
}
