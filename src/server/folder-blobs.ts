import type { Hono } from "hono";
import { type LocalBlobServer, serveLocalBlob } from "../../adapters/local/blob-server.ts";
import type { CoordinatorEnv } from "../coordinator/parts.ts";
import { type Listening, type ListenOptions, listen } from "./listen.ts";

/** Where a coordinator serves the signed URLs of its own folder. */
export const BLOBS_PATH = "/blobs";

type App = Hono<CoordinatorEnv>;

/** Listens before there is an app: only then is the address known that signed URLs name. Requests wait for the app. */
export async function listenFirst(
  options: Omit<ListenOptions, "fetch">,
): Promise<{ readonly server: Listening; readonly app: PromiseWithResolvers<App> }> {
  const app = Promise.withResolvers<App>();
  // Whoever starts the server hears of a failure; requests that wait for it need not be there.
  app.promise.catch(() => undefined);
  const server = await listen({ ...options, fetch: async (request) => (await app.promise).fetch(request) });
  return { server, app };
}

/** Has a coordinator serve a folder of blobs itself; the signature of a URL is the credential. */
export function serveFolder(app: App, server: LocalBlobServer): void {
  app.all(`${BLOBS_PATH}/*`, (c) => serveLocalBlob(c.req.raw, server));
}
