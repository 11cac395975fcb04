import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { GodwitError } from "../core/errors.ts";

export interface ListenOptions {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** Address of this machine. Default 127.0.0.1: nobody else can connect. */
  readonly host?: string;
  /** 0: any that is free. */
  readonly port: number;
}

export interface Listening {
  /** Where requests from this machine reach it. */
  readonly url: string;
  /** Takes no more connections, and gives requests `graceMs` to end; default none. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

const LOOPBACK = "127.0.0.1";

/** Serves an app. @throws GodwitError PORT_IN_USE, FLAG_INVALID */
export function listen({ fetch, host = LOOPBACK, port }: ListenOptions): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname: host, port }, (info) => {
      resolve({ url: urlOf(info), close: ({ graceMs = 0 } = {}) => close(server, graceMs) });
    }) as Server;
    server.once("error", (error: NodeJS.ErrnoException) => reject(portError(error, { host, port })));
  });
}

/** Whether an address can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function urlOf({ address, port, family }: AddressInfo): string {
  if (address === "0.0.0.0" || address === "::") return `http://${LOOPBACK}:${port}`;
  return family === "IPv6" ? `http://[${address}]:${port}` : `http://${address}:${port}`;
}

function portError(cause: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): unknown {
  switch (cause.code) {
    case "EADDRINUSE":
      return new GodwitError("PORT_IN_USE", `port ${port} is taken by another process`, { cause });
    case "EACCES":
      return new GodwitError("FLAG_INVALID", `port ${port} needs rights that this process does not have`, {
        cause,
        hint: "Choose a port from 1024 on.",
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new GodwitError("FLAG_INVALID", `"${host}" is no address of this machine`, {
        cause,
        hint: "Use 127.0.0.1 for this machine alone, 0.0.0.0 for every address it has.",
      });
    default:
      return cause;
  }
}

const SWEEP_MS = 50;

/** What still waits at the end is cut off: whoever sent it asks again, and is answered by the next process. */
function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A connection that is kept alive would bring the next request.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(cut);
      resolve();
    });
  });
}
