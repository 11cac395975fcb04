import {
  createRemoteJWKSet,
  decodeJwt,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import { GodwitError } from "../../core/errors.ts";
import { SCOPES, type Scope } from "./api-key.ts";
import { unauthenticated } from "./api-keys.ts";
import type { Caller } from "./caller.ts";

/** Whose tokens are accepted instead of API keys: people who signed in somewhere, and CI that has no secret to lose. */
export interface OidcIssuer {
  /** What `iss` must be, character by character. @example "https://token.actions.githubusercontent.com" */
  readonly issuer: string;
  /** What `aud` must contain: a name that is this coordinator's alone. */
  readonly audience: string;
  /** Where its public keys are. Default: what `<issuer>/.well-known/openid-configuration` says. */
  readonly jwksUri?: string;
  /**
   * The scopes that values of claims give; a claim may be a text, a list, or a text with spaces. Whoever has none of
   * them may do nothing.
   *
   * @example { groups: { "ml-team": ["runs:read", "runs:write"], "platform": ["admin"] } }
   */
  readonly scopes: Readonly<Record<string, Readonly<Record<string, readonly Scope[]>>>>;
  /** The claim that names the only project; a token without it is refused. Default: all projects. */
  readonly projectClaim?: string;
  /** The claim that people know the caller by. Default `sub`. */
  readonly nameClaim?: string;
}

/** How far the clocks of the issuer and of the coordinator may be apart. */
const TOLERANCE_S = 30;
const FETCH_MS = 5_000;
/** No secrets: whoever can read a public key must not be able to sign with it. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

/** Checks tokens of the issuers that were configured. Keys are fetched when they are needed, kept, and fetched again when a new one appears. */
export class OidcVerifier {
  readonly #issuers: ReadonlyMap<string, OidcIssuer>;
  readonly #keys = new Map<string, Promise<JWTVerifyGetKey>>();

  /** @throws GodwitError CONFIG_INVALID */
  constructor(issuers: readonly OidcIssuer[]) {
    for (const issuer of issuers) checkIssuer(issuer);
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
  }

  /** Who sent a token. @throws GodwitError UNAUTHENTICATED; IDENTITY_PROVIDER_UNAVAILABLE */
  async verify(token: string, nowMs: number): Promise<Caller> {
    const issuer = this.#issuers.get(issuerOf(token) ?? "");
    if (issuer === undefined) throw unauthenticated("the token is of no issuer that is known here");
    const keys = await this.#keysOf(issuer);
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: issuer.issuer,
        audience: issuer.audience,
        algorithms: ALGORITHMS,
        clockTolerance: TOLERANCE_S,
        currentDate: new Date(nowMs),
        requiredClaims: ["sub", "exp"],
      });
      return callerOf(issuer, payload);
    } catch (error) {
      throw refusal(error, issuer);
    }
  }

  #keysOf(issuer: OidcIssuer): Promise<JWTVerifyGetKey> {
    const known = this.#keys.get(issuer.issuer);
    if (known !== undefined) return known;
    const keys = findKeys(issuer);
    this.#keys.set(issuer.issuer, keys);
    // Asked for again by the next token.
    keys.catch(() => this.#keys.delete(issuer.issuer));
    return keys;
  }
}

function checkIssuer({ issuer, audience, jwksUri, scopes }: OidcIssuer): void {
  for (const url of [issuer, jwksUri ?? issuer]) {
    if (!isSafe(url)) throw invalid(`the OIDC address "${url}" is not https`);
  }
  if (audience === "") throw invalid(`the OIDC issuer "${issuer}" needs an audience`);
  const given = Object.values(scopes).flatMap((values) => Object.values(values).flat());
  const unknown = given.find((scope) => !SCOPES.includes(scope));
  if (unknown !== undefined) throw invalid(`the OIDC issuer "${issuer}" gives an unknown scope "${unknown}"`);
}

/** Keys that came over plain HTTP are anybody's; only this machine may do that. */
function isSafe(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return (
    protocol === "https:" || (protocol === "http:" && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))
  );
}

function invalid(message: string): GodwitError {
  return new GodwitError("CONFIG_INVALID", message);
}

/** What a token says of itself, unproven: it only chooses whose keys prove it. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    throw unauthenticated("that is neither an API key nor a token; was it copied whole?");
  }
}

async function findKeys({ issuer, jwksUri }: OidcIssuer): Promise<JWTVerifyGetKey> {
  const uri = jwksUri ?? (await discover(issuer));
  return createRemoteJWKSet(new URL(uri), { timeoutDuration: FETCH_MS });
}

async function discover(issuer: string): Promise<string> {
  try {
    const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const reply = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS), redirect: "error" });
    const found = (await reply.json()) as { readonly issuer?: unknown; readonly jwks_uri?: unknown };
    if (found.issuer !== issuer) throw new Error(`it calls itself "${String(found.issuer)}"`);
    if (typeof found.jwks_uri === "string" && isSafe(found.jwks_uri)) return found.jwks_uri;
    throw new Error("it names no safe `jwks_uri`");
  } catch (cause) {
    throw unavailable(issuer, cause);
  }
}

function callerOf(
  { issuer, scopes, projectClaim, nameClaim = "sub" }: OidcIssuer,
  claims: JWTPayload,
): Caller {
  const project = projectClaim === undefined ? null : claims[projectClaim];
  if (project !== null && (typeof project !== "string" || project === "")) {
    throw unauthenticated(`the token names no project: it has no claim "${projectClaim}"`);
  }
  const name = claims[nameClaim];
  const given = Object.entries(scopes).flatMap(([claim, values]) =>
    valuesOf(claims[claim]).flatMap((value) => (Object.hasOwn(values, value) ? (values[value] ?? []) : [])),
  );
  return {
    id: `oidc:${issuer}#${claims.sub}`,
    name: typeof name === "string" ? name : (claims.sub ?? null),
    project,
    scopes: new Set(given),
  };
}

function valuesOf(claim: unknown): string[] {
  if (typeof claim === "string") return [...new Set([claim, ...claim.split(" ")])];
  return Array.isArray(claim) ? claim.filter((value) => typeof value === "string") : [];
}

/** What is wrong with a token is its sender's to know; what is wrong with the issuer is not their fault. */
function refusal(error: unknown, { issuer }: OidcIssuer): GodwitError {
  if (error instanceof GodwitError) return error;
  if (error instanceof errors.JWTExpired) return unauthenticated("the token has expired");
  if (error instanceof errors.JWTClaimValidationFailed)
    return unauthenticated(`the token's claim "${error.claim}" is not what it must be`);
  const isToken =
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys;
  return isToken
    ? unauthenticated("the token is not signed by a key of its issuer")
    : unavailable(issuer, error);
}

function unavailable(issuer: string, cause: unknown): GodwitError {
  return new GodwitError("IDENTITY_PROVIDER_UNAVAILABLE", `the keys of ${issuer} cannot be read`, { cause });
}
