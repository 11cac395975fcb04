import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";

/** An HTTP server that can be killed and started again at the same address. */
export interface TestServer {
  readonly endpoint: string;
  /** Cuts every connection and stops listening. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

type Fetch = (request: Request) => Response | Promise<Response>;

export async function startServer(fetch: Fetch): Promise<TestServer> {
  let server = await listen(fetch, 0);
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    kill: () => close(server),
    start: async () => {
      server = await listen(fetch, port);
    },
  };
}

function listen(fetch: Fetch, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, port, hostname: "127.0.0.1" }, () => resolve(server as Server));
    server.on("error", reject);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
