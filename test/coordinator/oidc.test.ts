import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ListPage, Problem, RunSummary } from "../../src/client/api.ts";
import { type OidcIssuer, OidcVerifier } from "../../src/coordinator/auth/oidc.ts";
import { issueRunnerToken } from "../../src/coordinator/auth/runner-token.ts";
import { deploy, json, openSystem, SIGNING_KEY, type System } from "./system.ts";

/** An identity provider on this machine. */
interface Provider {
  readonly issuer: string;
  /** What it publishes, by kid. */
  readonly keys: Map<string, CryptoKey>;
  readonly asked: string[];
  isBroken: boolean;
  readonly server: Server;
}

async function openProvider(): Promise<Provider> {
  const server = createServer(async (request, reply) => {
    provider.asked.push(request.url ?? "");
    if (provider.isBroken) return void reply.writeHead(500).end("down");
    const published = [...provider.keys].map(async ([kid, key]) => ({
      ...(await exportJWK(key)),
      kid,
      use: "sig",
    }));
    const isDiscovery = request.url?.includes("well-known") === true;
    const body = isDiscovery
      ? { issuer: provider.issuer, jwks_uri: `${provider.issuer}/jwks` }
      : { keys: await Promise.all(published) };
    reply.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider: Provider = { issuer, keys: new Map(), asked: [], isBroken: false, server };
  return provider;
}

const AUDIENCE = "https://godwit.example.com";
let provider: Provider;
let system: System;
let pair: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey };
const nowS = (): number => Math.floor(Date.now() / 1_000);

beforeEach(async () => {
  provider = await openProvider();
  pair = await generateKeyPair("RS256", { extractable: true });
  provider.keys.set("k1", pair.publicKey);
  system = await openSystem({ auth: { mode: "keys", oidc: [config()] } });
});
afterEach(async () => {
  vi.useRealTimers();
  await system.close();
  provider.server.closeAllConnections();
  provider.server.close();
});

function config(more: Partial<OidcIssuer> = {}): OidcIssuer {
  return {
    issuer: provider.issuer,
    audience: AUDIENCE,
    scopes: {
      groups: { ml: ["runs:read", "runs:write"], platform: ["admin"] },
      scope: { "godwit:read": ["runs:read"] },
    },
    projectClaim: "project",
    nameClaim: "email",
    ...more,
  };
}

interface Signing {
  readonly key?: CryptoKey | Uint8Array;
  readonly kid?: string;
  readonly alg?: string;
}

/** A token that is right in every way but those given; an undefined claim is left out. */
function sign(
  claims: Record<string, unknown> = {},
  { key, kid = "k1", alg = "RS256" }: Signing = {},
): Promise<string> {
  const right = {
    iss: provider.issuer,
    aud: AUDIENCE,
    sub: "u1",
    iat: nowS(),
    exp: nowS() + 300,
    project: "default",
    email: "ana@example.com",
    groups: ["ml", "other"],
  };
  return new SignJWT({ ...right, ...claims } as JWTPayload)
    .setProtectedHeader({ alg, kid })
    .sign(key ?? pair.privateKey);
}

const ask = (token: string, path = "/v1/runs"): Promise<Response> =>
  system.send("GET", path, undefined, { Authorization: `Bearer ${token}` });

async function refused(token: string): Promise<string> {
  const problem = await json<Problem>(ask(token), 401);
  expect(problem.code).toBe("UNAUTHENTICATED");
  return problem.detail;
}

describe("a token of an issuer that is trusted", () => {
  test("has the scopes and the project that its claims give", async () => {
    await deploy(system);
    const token = await sign();
    const headers = { Authorization: `Bearer ${token}` };
    const body = { task: "hello.free" };
    const run = await json<RunSummary>(system.send("POST", "/v1/runs", body, headers), 202);
    expect(run).toMatchObject({ project: "default", createdBy: "ana@example.com" });
    expect((await json<ListPage<RunSummary>>(ask(token), 200)).data).toHaveLength(1);
    await json(ask(token, "/v1/runs?project=other"), 403);
    await json(ask(await sign({ project: "other" }), `/v1/runs/${run.id}`), 404);
    expect((await json<Problem>(ask(token, "/v1/keys"), 403)).detail).toContain('"admin"');
    await json(ask(await sign({ groups: "platform" }), "/v1/keys"), 200);
    await json(ask(await sign({ groups: undefined, scope: "openid godwit:read" })), 200);
  });

  test("may do nothing when its claims give no scope", async () => {
    for (const groups of [undefined, [], ["constructor", "toString"], 7, { ml: true }, "m l"]) {
      expect((await json<Problem>(ask(await sign({ groups })), 403)).code).toBe("FORBIDDEN");
    }
  });

  test("is let in while clocks differ by less than the tolerance", async () => {
    await json(ask(await sign({ exp: nowS() - 20 })), 200);
    await json(ask(await sign({ nbf: nowS() + 20 })), 200);
  });
});

describe("a token is refused", () => {
  test.each<[string, () => Record<string, unknown>, string]>([
    ["for another audience", () => ({ aud: "https://other.example.com" }), '"aud"'],
    ["without an audience", () => ({ aud: undefined }), '"aud"'],
    ["of an issuer that nobody knows", () => ({ iss: "https://evil.example.com" }), "no issuer"],
    ["of an issuer that is almost right", () => ({ iss: `${provider.issuer}/` }), "no issuer"],
    ["without an issuer", () => ({ iss: undefined }), "no issuer"],
    ["when it has expired", () => ({ exp: nowS() - 60 }), "expired"],
    ["when it never expires", () => ({ exp: undefined }), '"exp"'],
    ["before it is valid", () => ({ nbf: nowS() + 60 }), '"nbf"'],
    ["without a subject", () => ({ sub: undefined }), '"sub"'],
    ["without a project", () => ({ project: undefined }), '"project"'],
    ["with a project that is no text", () => ({ project: ["default"] }), '"project"'],
  ])("%s", async (_, claims, detail) => {
    expect(await refused(await sign(claims()))).toContain(detail);
  });

  test("when it is signed by nobody", async () => {
    const claims = {
      iss: provider.issuer,
      aud: AUDIENCE,
      sub: "u1",
      groups: ["platform"],
      project: "default",
    };
    const token = new UnsecuredJWT(claims).setExpirationTime("5m").encode();
    expect(await refused(token)).toContain("not signed");
    const [head = "", body = ""] = (await sign()).split(".");
    const none = Buffer.from('{"alg":"none","kid":"k1"}').toString("base64url");
    await refused(`${none}.${body}.`);
    await refused(`${head}.${body}.`);
  });

  test("when the public key was used as a secret", async () => {
    const pem = new TextEncoder().encode(await exportSPKI(pair.publicKey));
    expect(await refused(await sign({}, { key: pem, alg: "HS256" }))).toContain("not signed");
    const modulus = new TextEncoder().encode(JSON.stringify(await exportJWK(pair.publicKey)));
    await refused(await sign({}, { key: modulus, alg: "HS512" }));
  });

  test("when somebody else signed or changed it", async () => {
    const other = await generateKeyPair("RS256");
    expect(await refused(await sign({}, { key: other.privateKey }))).toContain("not signed");
    const [head, body = "", signature] = (await sign()).split(".");
    const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as object;
    const forged = Buffer.from(JSON.stringify({ ...claims, groups: ["platform"] })).toString("base64url");
    await refused(`${head}.${forged}.${signature}`);
    await refused("a.b.c");
    await refused("x.y");
  });

  test("when its key is not one of the issuer's", async () => {
    expect(await refused(await sign({}, { kid: "k9" }))).toContain("not signed");
  });

  test("when it is a runner's", async () => {
    const options = { subject: "runner-1", pools: ["*"], id: "t", nowMs: Date.now(), ttlMs: 60_000 };
    expect(await refused(await issueRunnerToken(SIGNING_KEY, options))).toContain("no issuer");
  });

  test("where no issuer is trusted", async () => {
    const closed = await openSystem({ auth: { mode: "keys" } });
    const headers = { Authorization: `Bearer ${await sign()}` };
    await json(closed.send("GET", "/v1/runs", undefined, headers), 401);
    await closed.close();
  });
});

describe("the keys of an issuer", () => {
  test("are fetched once, and again when a new one signs", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    for (let n = 0; n < 3; n++) await json(ask(await sign()), 200);
    expect(provider.asked).toEqual(["/.well-known/openid-configuration", "/jwks"]);
    const next = await generateKeyPair("ES256", { extractable: true });
    provider.keys.clear();
    provider.keys.set("k2", next.publicKey);
    const rotated = (): Promise<string> => sign({}, { key: next.privateKey, kid: "k2", alg: "ES256" });
    // Unknown keys cannot make it ask all the time.
    for (let n = 0; n < 3; n++) await refused(await rotated());
    expect(provider.asked).toHaveLength(2);
    vi.setSystemTime(Date.now() + 31_000);
    await json(ask(await rotated()), 200);
    expect(provider.asked).toHaveLength(3);
    await refused(await sign());
  });

  test("that cannot be fetched are not the caller's fault", async () => {
    provider.isBroken = true;
    expect((await json<Problem>(ask(await sign()), 503)).code).toBe("IDENTITY_PROVIDER_UNAVAILABLE");
    provider.isBroken = false;
    await json(ask(await sign()), 200);
    const direct = await openSystem({
      auth: { mode: "keys", oidc: [config({ jwksUri: `${provider.issuer}/jwks` })] },
    });
    provider.isBroken = true;
    const headers = { Authorization: `Bearer ${await sign()}` };
    await json(direct.send("GET", "/v1/runs", undefined, headers), 503);
    await direct.close();
  });
});

describe("the configuration", () => {
  test.each<[string, Partial<OidcIssuer>]>([
    ["an issuer without TLS", { issuer: "http://login.example.com" }],
    ["keys without TLS", { jwksUri: "http://login.example.com/jwks" }],
    ["what is no address", { issuer: "login" }],
    ["no audience", { audience: "" }],
    ["an unknown scope", { scopes: { groups: { ml: ["root" as "admin"] } } }],
  ])("refuses %s", (_, more) => {
    expect(() => new OidcVerifier([config(more)])).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});
