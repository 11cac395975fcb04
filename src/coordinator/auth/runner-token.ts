import { errors, jwtVerify, SignJWT } from "jose";
import { GodwitError } from "../../core/errors.ts";
import type { RunnerReach } from "../../core/runner-reach.ts";
import { type SigningKey, signingOf } from "./signing-key.ts";

/** What a token allows. */
export interface RunnerClaims {
  /**
   * Id of the runner. A token that starts several runners names what their ids begin with: `batch-7` also allows
   * `batch-7.0`, `batch-7.1` …
   */
  readonly subject: string;
  /** Pools it may serve; `*` stands for every pool. Its private pool is always allowed. */
  readonly pools: readonly string[];
  /** The only run it may report on. Default: any. */
  readonly run?: string;
  /** What its pools stand for at most. Default: every deployment. */
  readonly reach?: RunnerReach;
}

/** A `supervisor` saw a runner end and may say so once. */
export type Audience = "godwit-runner" | "godwit-supervisor";

export interface TokenOptions extends RunnerClaims {
  /** Epoch milliseconds; the clock is an argument because a simulation owns it. */
  readonly nowMs: number;
  readonly ttlMs: number;
  /** Names the token; one for a supervisor is good once. */
  readonly id: string;
  /** Default `godwit-runner`. */
  readonly audience?: Audience;
}

export interface VerifiedToken extends RunnerClaims {
  readonly id: string;
  readonly expiresMs: number;
}

const ISSUER = "godwit";

/**
 * Signs a token for a runner (or for its supervisor).
 *
 * @example issueRunnerToken(key, { subject: "r-1", pools: ["d1"], id: random.nonce(16), nowMs, ttlMs: 3_600_000 })
 */
export function issueRunnerToken(key: SigningKey, options: TokenOptions): Promise<string> {
  const { algorithm, sign } = signingOf(key);
  const { subject, pools, run, reach, nowMs, ttlMs, id, audience = "godwit-runner" } = options;
  return new SignJWT({ pools, ...(run !== undefined && { run }), ...(reach !== undefined && { reach }) })
    .setProtectedHeader({ alg: algorithm })
    .setIssuer(ISSUER)
    .setAudience(audience)
    .setSubject(subject)
    .setJti(id)
    .setIssuedAt(Math.floor(nowMs / 1000))
    .setExpirationTime(Math.ceil((nowMs + ttlMs) / 1000))
    .sign(sign);
}

/** What a token allows. @throws GodwitError UNAUTHENTICATED when it is not a valid one for the audience */
export async function verifyRunnerToken(
  key: SigningKey,
  token: string,
  at: { readonly nowMs: number; readonly audience?: Audience },
): Promise<VerifiedToken> {
  const { algorithm, verify } = signingOf(key);
  try {
    const { payload } = await jwtVerify(token, verify, {
      algorithms: [algorithm],
      issuer: ISSUER,
      audience: at.audience ?? "godwit-runner",
      currentDate: new Date(at.nowMs),
      requiredClaims: ["sub", "jti", "exp"],
    });
    const { sub = "", jti = "", exp = 0, pools, run, reach } = payload;
    return {
      subject: sub,
      id: jti,
      expiresMs: exp * 1000,
      pools: Array.isArray(pools) ? pools.map(String) : [],
      ...(typeof run === "string" && { run }),
      // Signed by a coordinator, which wrote it as it is.
      ...(reach !== undefined && { reach: reach as RunnerReach }),
    };
  } catch (error) {
    throw refusal(error);
  }
}

function refusal(cause: unknown): GodwitError {
  const isExpired = cause instanceof errors.JWTExpired;
  const message = isExpired ? "the runner's token has expired" : "the runner's token is not valid";
  const hint = "Start the runner again; whoever starts it gives it a new token.";
  return new GodwitError("UNAUTHENTICATED", message, { cause, hint });
}
