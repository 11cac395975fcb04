import type { OpenAPIHono } from "@hono/zod-openapi";
import type { EngineCore } from "../engine/core.ts";
import type { BlobStore } from "../ports/blobs.ts";
import type { Caller } from "./auth/caller.ts";
import { type OidcIssuer, OidcVerifier } from "./auth/oidc.ts";
import { type RateLimit, RateLimiter } from "./auth/rate-limit.ts";
import type { SigningKey } from "./auth/signing-key.ts";
import { TokenCache } from "./auth/token-cache.ts";

/**
 * Who may call: anybody on this machine (for a server that is bound to loopback), or holders of API keys and of tokens
 * of the given issuers.
 */
export type AuthMode =
  | { readonly mode: "open" }
  | { readonly mode: "keys"; readonly oidc?: readonly OidcIssuer[] };

export interface Limits {
  /** Longest body of a public request. Default 12 MiB. */
  readonly publicBodyBytes: number;
  /** Longest body of a runner's request. Default 32 MiB. */
  readonly internalBodyBytes: number;
  /** Longest time a request may be held open. Default 60 s. */
  readonly maxWaitMs: number;
  /** After this long a stream ends with `event: reconnect`; null never. Default null. */
  readonly maxStreamMs: number | null;
  /** How often a quiet stream sends a comment. Default 15 s. */
  readonly beatMs: number;
  /** How many requests each API key may send; null without a limit. Default 50 a second, 200 at once. */
  readonly rate: RateLimit | null;
  /** How long a runner's token is good for; it is renewed when half of that has passed. Default 15 min. */
  readonly runnerTokenMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  publicBodyBytes: 12 * 1024 * 1024,
  internalBodyBytes: 32 * 1024 * 1024,
  maxWaitMs: 60_000,
  maxStreamMs: null,
  beatMs: 15_000,
  rate: { perSecond: 50, burst: 200 },
  runnerTokenMs: 15 * 60_000,
};

/** What the coordinator wants written down; never part of a reply. */
export interface LogEntry {
  readonly level: "warn" | "error";
  readonly message: string;
  readonly requestId: string;
  readonly error?: unknown;
}

export interface CoordinatorOptions {
  readonly core: EngineCore;
  readonly auth: AuthMode;
  /** Signs the tokens of runners and supervisors; the same on every coordinator. */
  readonly signingKey: SigningKey;
  /**
   * Code, files and large values: bundles under `bundles/`, all else under `projects/<project>/`. Default: none, and then
   * code cannot be deployed and values are all inline.
   */
  readonly blobs?: BlobStore;
  readonly limits?: Partial<Limits>;
  /** Version of the API document. */
  readonly version?: string;
  readonly onLog?: (entry: LogEntry) => void;
}

/** What every route works with. */
export interface Parts {
  readonly core: EngineCore;
  readonly auth: AuthMode;
  /** Null where no issuer is trusted. */
  readonly oidc: OidcVerifier | null;
  /** Null where callers are not counted: whoever is on this machine can do worse than to ask often. */
  readonly rateLimiter: RateLimiter | null;
  readonly signingKey: SigningKey;
  /** Tokens of runners that were verified before. */
  readonly runnerTokens: TokenCache;
  /** Null where none was given. */
  readonly blobs: BlobStore | null;
  readonly limits: Limits;
  readonly log: (entry: LogEntry) => void;
}

/** What middleware leaves for routes. */
export interface CoordinatorEnv {
  readonly Variables: {
    parts: Parts;
    requestId: string;
    /** Set on every public route that is not open to all. */
    caller: Caller;
    /** Id for the run this request starts, the same when the request is sent again. */
    runId: string | undefined;
  };
}

export type App = OpenAPIHono<CoordinatorEnv>;

export function partsOf(options: CoordinatorOptions): Parts {
  const { auth } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const hasIssuers = auth.mode === "keys" && auth.oidc !== undefined && auth.oidc.length > 0;
  return {
    core: options.core,
    auth,
    oidc: hasIssuers ? new OidcVerifier(auth.oidc) : null,
    rateLimiter: auth.mode === "open" || limits.rate === null ? null : new RateLimiter(limits.rate),
    signingKey: options.signingKey,
    runnerTokens: new TokenCache(options.signingKey, "godwit-runner"),
    blobs: options.blobs ?? null,
    limits,
    log: options.onLog ?? (() => undefined),
  };
}
