import type { Server } from "node:http";
import { serve } from "@hono/node-server";
import { GodwitError } from "../../core/errors.ts";

export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

const HOST = "127.0.0.1";

/** Serves an app to this machine. @throws GodwitError PORT_IN_USE */
export function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  port: number,
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname: HOST, port }, (info) => {
      resolve({ url: `http://${HOST}:${info.port}`, close: () => close(server) });
    }) as Server;
    server.once("error", (error: NodeJS.ErrnoException) => reject(portError(error, port)));
  });
}

function portError(error: NodeJS.ErrnoException, port: number): unknown {
  if (error.code === "EADDRINUSE") {
    return new GodwitError("PORT_IN_USE", `port ${port} is taken by another process`, { cause: error });
  }
  if (error.code === "EACCES") {
    return new GodwitError("FLAG_INVALID", `port ${port} needs rights that this process does not have`, {
      cause: error,
      hint: "Choose a port from 1024 on.",
    });
  }
  return error;
}

/** Requests that wait are cut off: whoever sent them asks again. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
