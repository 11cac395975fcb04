import type { MiddlewareHandler } from "hono";
import { GodwitError } from "../../core/errors.ts";
import type { CoordinatorEnv } from "../parts.ts";

/**
 * Without keys, being on this machine is the only credential, and a browser on it has that too: a page from elsewhere
 * must not be able to start runs. Refuses other hosts (a name that was made to point here) and other origins.
 */
export const refuseStrangers: MiddlewareHandler<CoordinatorEnv> = async (c, next) => {
  if (c.var.parts.auth.mode === "open") {
    const { host } = new URL(c.req.url);
    const origin = c.req.header("Origin");
    if (!isLoopback(c.req.header("Host") ?? host)) throw stranger(`the host "${host}"`);
    if (origin !== undefined && !isLoopback(origin.replace(/^https?:\/\//, "")))
      throw stranger(`the origin "${origin}"`);
  }
  await next();
};

function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, "");
  return (
    name === "localhost" ||
    name === "[::1]" ||
    /^127(\.\d{1,3}){3}$/.test(name) ||
    name.endsWith(".localhost")
  );
}

function stranger(what: string): GodwitError {
  return new GodwitError(
    "FORBIDDEN",
    `${what} is not this machine, and the server takes requests without a key`,
    {
      hint: "Start the server with keys to reach it from elsewhere.",
    },
  );
}
