import { BlobCalls } from "../../src/client/blob-calls.ts";
import { Connection } from "../../src/client/connection.ts";
import type { BlobStore } from "../../src/ports/blobs.ts";
import { startServer } from "../client/server.ts";
import { openSystem } from "../coordinator/system.ts";
import { OPEN } from "./stores.ts";

/** A coordinator on a port of this machine, and its blob store as its clients have it. */
export interface ServedStore {
  readonly store: BlobStore;
  readonly probe: readonly string[];
  close(): Promise<void>;
}

/** @param fallback answers what is not the coordinator's, such as the signed URLs of a folder */
export async function serveStore(
  blobs: (endpoint: string) => BlobStore,
  fallback?: (request: Request) => Promise<Response>,
): Promise<ServedStore> {
  let answer: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 503 });
  const server = await startServer((request) =>
    fallback !== undefined && new URL(request.url).pathname.startsWith("/blobs/")
      ? fallback(request)
      : answer(request),
  );
  const { endpoint } = server;
  const system = await openSystem({ blobs: blobs(endpoint) });
  answer = (request) => system.app.fetch(request);
  const view = await new BlobCalls(new Connection({ endpoint }), { as: "client" }).describe();
  const probe = ["remote", endpoint, JSON.stringify(view)];
  return {
    store: OPEN["remote"]?.(...probe.slice(1)) as BlobStore,
    probe,
    async close() {
      await server.kill();
      await system.close();
    },
  };
}
