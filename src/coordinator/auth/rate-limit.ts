import type { Context } from "hono";
import { GodwitError } from "../../core/errors.ts";
import type { CoordinatorEnv } from "../parts.ts";

/** How many requests one caller may send. */
export interface RateLimit {
  /** In the long run. */
  readonly perSecond: number;
  /** At once, after a pause. */
  readonly burst: number;
}

/** What a caller has left. */
interface Bucket {
  tokens: number;
  atMs: number;
}

/** Callers remembered; whoever is forgotten starts with a full bucket. */
const MOST = 10_000;

/**
 * A token bucket for each caller, in memory: every coordinator counts for itself, so that a request costs the store
 * nothing. With n coordinators a caller gets at most n times the limit.
 */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /** Takes one request of a caller; `waitMs` is 0 when it may go on. */
  take(caller: string, nowMs: number): { readonly left: number; readonly waitMs: number } {
    const { perSecond, burst } = this.#limit;
    const old = this.#buckets.get(caller) ?? { tokens: burst, atMs: nowMs };
    const gained = (Math.max(0, nowMs - old.atMs) * perSecond) / 1_000;
    const tokens = Math.min(burst, old.tokens + gained);
    const isAllowed = tokens >= 1;
    const bucket = { tokens: isAllowed ? tokens - 1 : tokens, atMs: Math.max(nowMs, old.atMs) };
    // Last again: whoever has been quiet for longest is forgotten first.
    this.#buckets.delete(caller);
    const [oldest] = this.#buckets.size >= MOST ? this.#buckets.keys() : [];
    if (oldest !== undefined) this.#buckets.delete(oldest);
    this.#buckets.set(caller, bucket);
    return { left: Math.floor(bucket.tokens), waitMs: isAllowed ? 0 : ((1 - tokens) / perSecond) * 1_000 };
  }

  /** Counts a request and tells the caller what is left. @throws GodwitError RATE_LIMITED */
  check(c: Context<CoordinatorEnv>, caller: string): Record<string, string> {
    const { perSecond, burst } = this.#limit;
    const { left, waitMs } = this.take(caller, c.var.parts.core.clock.now());
    const fullS = Math.ceil((burst - left) / perSecond);
    const headers = {
      "RateLimit-Policy": `"requests";q=${burst};w=${Math.ceil(burst / perSecond)}`,
      RateLimit: `"requests";r=${left};t=${fullS}`,
    };
    if (waitMs === 0) return headers;
    const retryAfterS = Math.max(1, Math.ceil(waitMs / 1_000));
    for (const [name, value] of Object.entries(headers)) c.header(name, value);
    c.header("Retry-After", String(retryAfterS));
    throw new GodwitError(
      "RATE_LIMITED",
      `more than ${perSecond} requests a second; ${retryAfterS} s to wait`,
    );
  }
}
