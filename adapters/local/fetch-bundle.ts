import { Connection, type ConnectionOptions } from "../../src/client/connection.ts";

/** Gets bundles from the coordinator. */
export function fetchBundle(at: ConnectionOptions): (hash: string) => Promise<Uint8Array> {
  const connection = new Connection(at);
  return (hash) =>
    connection.send(
      { method: "GET", path: `/internal/v1/bundles/${encodeURIComponent(hash)}`, retries: RETRIES },
      async (reply) => new Uint8Array(await reply.arrayBuffer()),
    );
}

const RETRIES = 5;
