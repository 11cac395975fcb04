import type { Context } from "hono";
import { GodwitError } from "../../core/errors.ts";
import type { CallReport, ExchangeRequest } from "../../core/protocol.ts";
import type { CoordinatorEnv } from "../parts.ts";
import { bearerOf } from "./bearer.ts";
import type { RunnerClaims, VerifiedToken } from "./runner-token.ts";
import type { TokenCache } from "./token-cache.ts";

/** A server that only this machine can reach trusts its runners. */
const LOCAL: RunnerClaims = { subject: "*", pools: ["*"] };

/** What the sender of an internal request may do. A token is checked wherever there is one. */
export async function runnerOf(
  c: Context<CoordinatorEnv>,
  tokens: TokenCache,
): Promise<RunnerClaims | VerifiedToken> {
  const header = c.req.header("Authorization");
  const { auth, core } = c.var.parts;
  if (auth.mode === "open" && header === undefined) return LOCAL;
  return tokens.verify(bearerOf(header), core.clock.now());
}

/** Whether a token speaks for a runner: for its subject, and for those whose ids begin with it and a dot. */
export function speaksFor({ subject }: RunnerClaims, runnerId: string): boolean {
  return subject === "*" || runnerId === subject || runnerId.startsWith(`${subject}.`);
}

/** Refuses an exchange that goes beyond its token. The engine sees to it that leases are used by their runner only. */
export function checkClaims(claims: RunnerClaims, request: ExchangeRequest): void {
  const { runner } = request;
  if (!speaksFor(claims, runner.id)) throw forbidden(`is not for the runner "${runner.id}"`);
  const pool = runner.pools.find((name) => !mayServe(claims, runner.id, name));
  if (pool !== undefined) throw forbidden(`does not allow the pool "${pool}"`);
  const claim = (request.calls ?? []).find((call) => !isOwnClaim(call))?.claim;
  if (claim !== undefined) throw forbidden(`does not allow the claim "${claim}"`);
  for (const lease of leasesOf(request)) checkLease(claims, lease);
}

/** Refuses a lease of another run than the one the token is for. */
export function checkLease({ run }: RunnerClaims, lease: string): void {
  if (run !== undefined && !lease.startsWith(`${run}/`)) throw forbidden(`is for the run "${run}" only`);
}

/** A runner that starts its parent's call itself names that call and no other in the new lease. */
function isOwnClaim({ lease, id, claim }: CallReport): boolean {
  return claim === undefined || claim.startsWith(`${lease.split("/")[0]}/${id}/`);
}

function mayServe(claims: RunnerClaims, runnerId: string, pool: string): boolean {
  // The pool that is a runner's own, and no other's, whatever the token says.
  if (pool.startsWith("~")) return pool === `~${runnerId}`;
  return claims.pools.includes("*") || claims.pools.includes(pool);
}

function leasesOf(request: ExchangeRequest): string[] {
  const { calls, outcomes, suspensions, checkpoints, aborts, logs, held, divergences, releases } = request;
  const lists = [calls, outcomes, suspensions, checkpoints, aborts, logs, held, divergences];
  return [...lists.flatMap((list) => (list ?? []).map(({ lease }) => lease)), ...(releases ?? [])];
}

function forbidden(reason: string): GodwitError {
  return new GodwitError("FORBIDDEN", `the runner's token ${reason}`, {
    hint: "Give the runner a token that was issued for it.",
  });
}
