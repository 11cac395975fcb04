import { readFile } from "node:fs/promises";
import * as z from "zod";
import { SCOPES } from "../coordinator/auth/api-key.ts";
import type { OidcIssuer } from "../coordinator/auth/oidc.ts";
import type { AuthMode } from "../coordinator/parts.ts";
import { GodwitError } from "../core/errors.ts";
import { isLoopback } from "./listen.ts";
import { readCount, readText } from "./variables.ts";

/** What a coordinator is started with; `undefined`: not given. */
export interface CoordinatorSettings {
  /** Address it listens on. Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default 8080; 0 for any that is free. */
  readonly port?: number | undefined;
  /** `postgres://…`. Default: SQLite in the data folder. */
  readonly databaseUrl?: string | undefined;
  /** Default `.godwit`. */
  readonly dataDir?: string | undefined;
  /** URI of the blob store. Default: `blobs` in the data folder, served by the coordinator itself. */
  readonly blobs?: string | undefined;
  /** Where clients and runners reach it. Default: where it listens. */
  readonly publicUrl?: string | undefined;
  /** Base64 of at least 32 bytes. Default: kept in the data folder. */
  readonly signingKey?: string | undefined;
  /** `keys` (default): callers need an API key or a token. `open`: whoever is on this machine. */
  readonly auth?: string | undefined;
  /** File with the OIDC issuers that are trusted. */
  readonly oidcFile?: string | undefined;
  /**
   * How long a runner is believed to live after it was last heard of. Default 30 s. Less finds lost machines sooner, but
   * from 10 s down also declares those lost on which a task does not let the event loop turn.
   */
  readonly leaseMs?: number | undefined;
}

export const DEFAULT_HOST = "127.0.0.1";
export const DEFAULT_PORT = 8080;

/** The settings of a coordinator in the environment of a process. @throws GodwitError CONFIG_INVALID */
export function coordinatorSettings(env: NodeJS.ProcessEnv): CoordinatorSettings {
  return {
    host: readText(env, "GODWIT_HOST"),
    port: readCount(env, "GODWIT_PORT", { least: 0, most: 65_535 }),
    databaseUrl: readText(env, "GODWIT_DATABASE_URL"),
    dataDir: readText(env, "GODWIT_DATA_DIR"),
    blobs: readText(env, "GODWIT_BLOBS"),
    publicUrl: readText(env, "GODWIT_PUBLIC_URL"),
    signingKey: readText(env, "GODWIT_SIGNING_KEY"),
    auth: readText(env, "GODWIT_AUTH"),
    oidcFile: readText(env, "GODWIT_OIDC_FILE"),
    leaseMs: readCount(env, "GODWIT_LEASE_MS", { least: 2_000 }),
  };
}

/**
 * Who may call. A coordinator that asks nobody for a key is one for this machine alone.
 *
 * @throws GodwitError CONFIG_INVALID
 */
export async function authOf(settings: CoordinatorSettings): Promise<AuthMode> {
  const { auth = "keys", host = DEFAULT_HOST, publicUrl, oidcFile } = settings;
  if (auth === "keys") {
    return { mode: "keys", ...(oidcFile !== undefined && { oidc: await readIssuers(oidcFile) }) };
  }
  if (auth !== "open") throw new GodwitError("CONFIG_INVALID", `\`auth\` is "keys" or "open", not "${auth}"`);
  const reached = publicUrl === undefined ? host : checkPublicUrl(publicUrl).hostname;
  if (isLoopback(host) && isLoopback(reached)) return { mode: "open" };
  throw new GodwitError(
    "CONFIG_INVALID",
    `without keys, ${isLoopback(host) ? reached : host} is open to all`,
    {
      hint: "Leave `auth` at `keys`, or listen on 127.0.0.1.",
    },
  );
}

/** The address that clients and runners use. @throws GodwitError CONFIG_INVALID */
export function checkPublicUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === "https:" || url?.protocol === "http:";
  if (url !== undefined && isHttp && url.pathname === "/" && url.search === "" && url.username === "")
    return url;
  throw new GodwitError("CONFIG_INVALID", `"${text}" is no address of a coordinator`, {
    hint: "Give GODWIT_PUBLIC_URL scheme, host and port alone, such as `https://godwit.example.com`.",
  });
}

const issuers = z.array(
  z.strictObject({
    issuer: z.string(),
    audience: z.string(),
    jwksUri: z.string().optional(),
    scopes: z.record(z.string(), z.record(z.string(), z.array(z.enum(SCOPES)))),
    projectClaim: z.string().optional(),
    nameClaim: z.string().optional(),
  }),
);

async function readIssuers(path: string): Promise<readonly OidcIssuer[]> {
  try {
    const { data, error } = issuers.safeParse(JSON.parse(await readFile(path, "utf8")));
    if (error === undefined) return data as readonly OidcIssuer[];
    const [issue] = error.issues;
    throw new Error(`${issue?.path.join(".")}: ${issue?.message}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GodwitError("CONFIG_INVALID", `${path} does not list OIDC issuers: ${reason}`, {
      cause: error,
    });
  }
}
