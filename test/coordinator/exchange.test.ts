import { gzipSync } from "node:zlib";
import { generateKeyPair } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BundleDownload, Problem, RunSummary } from "../../src/client/api.ts";
import {
  issueRunnerToken,
  type TokenOptions,
  verifyRunnerToken,
} from "../../src/coordinator/auth/runner-token.ts";
import type { ExchangeReply, JournalEntry } from "../../src/core/protocol.ts";
import { type BlobFolder, openBlobFolder, sha256Of } from "./blob-folder.ts";
import { deploy, HandRunner, json, keyFor, OK, openSystem, SIGNING_KEY, type System } from "./system.ts";

const BUNDLE = sha256Of("code");
let system: System;
let blobs: BlobFolder;
let nowMs: number;
let admin: Record<string, string>;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  blobs = await openBlobFolder(() => nowMs);
  await blobs.addBundle("code");
  system = await openSystem({
    auth: { mode: "keys" },
    now: () => nowMs,
    blobs: blobs.store,
    limits: { internalBodyBytes: 4_000 },
  });
  admin = await keyFor(system, ["admin"]);
  await deploy(system);
});
afterEach(async () => {
  await system.close();
  await blobs.close();
});

async function token(more: Partial<TokenOptions> = {}): Promise<Record<string, string>> {
  const options = { subject: "runner-1", pools: ["*"], id: "t1", nowMs, ttlMs: 60_000, ...more };
  return { Authorization: `Bearer ${await issueRunnerToken(SIGNING_KEY, options)}` };
}

const hello = (id = "runner-1") => new HandRunner(system, id).request();
const start = (): Promise<RunSummary> =>
  json(system.send("POST", "/v1/runs", { task: "hello.free" }, admin), 202);

const INTERNAL: readonly [string, string, unknown][] = [
  ["POST", "/internal/v1/report", undefined],
  ["POST", "/internal/v1/poll", undefined],
  ["POST", "/internal/v1/journal", { lease: "r/a/x", since: 0, limit: 1 }],
  ["POST", "/internal/v1/blobs", { requests: [] }],
  ["GET", `/internal/v1/bundles/${BUNDLE}`, undefined],
  ["POST", "/internal/v1/runners/runner-1/lost", { kind: "exited", detail: "code 1" }],
];

function bodyFor(path: string, body: unknown): unknown {
  if (path.endsWith("report")) return hello();
  return path.endsWith("poll") ? { ...hello(), channel: "poll" } : body;
}

describe("every internal route", () => {
  test("is covered", () => {
    const routes = system.app.routes.filter(
      ({ method, path }) => method !== "ALL" && path.startsWith("/internal/"),
    );
    expect(routes).toHaveLength(INTERNAL.length);
  });

  test.each(INTERNAL)("refuses strangers: %s %s", async (method, path, body) => {
    const audience = path.endsWith("lost") ? "godwit-supervisor" : "godwit-runner";
    const other = path.endsWith("lost") ? "godwit-runner" : "godwit-supervisor";
    const pair = await generateKeyPair("EdDSA");
    const forged = await issueRunnerToken(pair, {
      subject: "runner-1",
      pools: ["*"],
      id: "t",
      nowMs,
      ttlMs: 60_000,
      audience,
    });
    const refused: Record<string, string>[] = [
      {},
      { Authorization: "Bearer x.y.z" },
      { Authorization: `Bearer ${forged}` },
      admin,
      await token({ audience: other }),
      await token({ audience, nowMs: nowMs - 120_000 }),
    ];
    const send = (headers: Record<string, string>) =>
      system.send(method, path, method === "GET" ? undefined : bodyFor(path, body), headers);
    for (const headers of refused)
      expect((await json<Problem>(send(headers), 401)).code).toBe("UNAUTHENTICATED");
    expect((await send(await token({ audience }))).status).toBeLessThan(300);
  });
});

describe("an exchange", () => {
  test("runs an action and pages its journal", async () => {
    await start();
    const runner = new HandRunner(system, "runner-1", await token());
    await runner.report();
    const [root] = await runner.lease();
    const lease = root?.lease ?? "";
    const calls = [{ lease, id: "s1", kind: "trace", task: "now", input: "1" } as const];
    const outcomes = [{ lease, trace: "s1", outcome: OK, startedMs: 1, endedMs: 2 }];
    expect((await runner.report({ calls, outcomes })).refused).toEqual([]);
    const journal = (headers: Record<string, string>): Promise<JournalEntry[]> =>
      json(system.send("POST", "/internal/v1/journal", { lease, since: 0, limit: 10 }, headers), 200);
    expect(await journal(await token())).toMatchObject([{ seq: 1, id: "s1", outcome: OK }]);
    expect(await journal(await token({ subject: "runner-2" }))).toEqual([]);
  });

  test("gives the same leases again when a reply was lost", async () => {
    await start();
    const headers = await token();
    await json(system.send("POST", "/internal/v1/report", hello(), headers), 200);
    const request = { ...hello(), want: 8 };
    const ask = (): Promise<ExchangeReply> =>
      json(system.send("POST", "/internal/v1/report", request, headers), 200);
    const [first, again] = [await ask(), await ask()];
    expect(first.leases).toHaveLength(1);
    expect(again).toEqual(first);
  });

  test("polls until there is something", async () => {
    const headers = await token();
    const request = { ...hello(), channel: "poll", want: 1, waitMs: 20_000 };
    const waiting = system.send("POST", "/internal/v1/poll", request, headers);
    await start();
    expect((await json<ExchangeReply>(waiting, 200)).leases).toHaveLength(1);
  });

  test("takes a compressed body, up to the limit once it is unpacked", async () => {
    const headers = { ...(await token()), "Content-Encoding": "gzip", "Content-Type": "application/json" };
    const send = (text: string): Promise<Response> =>
      Promise.resolve(
        system.app.request("/internal/v1/report", { method: "POST", headers, body: gzipSync(text) }),
      );
    expect((await json<ExchangeReply>(send(JSON.stringify(hello())), 200)).known).toBe(true);
    const bomb = JSON.stringify({ ...hello(), padding: "x".repeat(10_000) });
    expect((await json<Problem>(send(bomb), 413)).code).toBe("BODY_TOO_LARGE");
    const plain = system.app.request("/internal/v1/report", { method: "POST", headers, body: "{}" });
    expect((await json<Problem>(plain, 400)).detail).toContain("gzip");
  });

  test.each<[string, unknown, string]>([
    ["no runner", { channel: "report", number: 1, want: 0 }, "/runner"],
    ["a number of 0", { ...new HandRunner({} as System).request(), number: 0 }, "/number"],
    [
      "a call without a lease",
      { ...new HandRunner({} as System).request(), calls: [{ id: "a" }] },
      "/calls/0/lease",
    ],
    [
      "an outcome without a value",
      {
        ...new HandRunner({} as System).request(),
        outcomes: [{ lease: "x", outcome: { ok: true }, startedMs: 1, endedMs: 1 }],
      },
      "/outcomes/0/outcome/value",
    ],
  ])("refuses %s", async (_, body, pointer) => {
    const problem = await json<Problem>(system.send("POST", "/internal/v1/report", body, await token()), 400);
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer);
  });

  test("refuses what is not JSON, what is too large, and a poll that came to report", async () => {
    const send = async (body: unknown): Promise<Response> =>
      system.send("POST", "/internal/v1/report", body, await token());
    await json(send("{"), 400);
    await json(send("x".repeat(5_000)), 413);
    await json(send({ ...hello(), channel: "poll" }), 400);
  });

  test("is for the runner, the pools and the run of its token", async () => {
    const send = async (request: unknown, more: Partial<TokenOptions> = {}): Promise<Response> =>
      system.send("POST", "/internal/v1/report", request, await token(more));
    const forbidden = async (reply: Promise<Response>): Promise<void> => {
      expect((await json<Problem>(reply, 403)).code).toBe("FORBIDDEN");
    };
    const serving = (...pools: string[]) => ({ ...hello(), runner: { ...hello().runner, pools } });
    await forbidden(send(hello("runner-2")));
    await forbidden(send(hello("runner-10")));
    await json(send(hello("runner-1.0")), 200);
    await forbidden(send(hello(), { pools: ["d1"] }));
    await forbidden(send(serving("d1", "d2"), { pools: ["d1"] }));
    await forbidden(send(serving("~runner-2")));
    await json(send(serving("d1", "~runner-1"), { pools: ["d1"] }), 200);
    await forbidden(send({ ...hello(), releases: ["r2/a0/x"] }, { run: "r1" }));
    await json(send({ ...hello(), number: 2, releases: ["r1/a0/x"] }, { run: "r1" }), 200);
  });
});

describe("a lease of another runner", () => {
  test("is worth nothing", async () => {
    const run = await start();
    const owner = new HandRunner(system, "runner-1", await token());
    const thief = new HandRunner(system, "runner-2", await token({ subject: "runner-2" }));
    await owner.report();
    await thief.report();
    const lease = (await owner.lease())[0]?.lease ?? "";
    const stale = { kind: "stale", lease };
    expect((await thief.finish(lease, OK)).refused).toEqual([stale]);
    const call = { lease, id: "x", kind: "task", task: "t", input: "1" } as const;
    expect((await thief.report({ calls: [call] })).refused).toEqual([stale]);
    expect((await thief.report({ releases: [lease] })).refused).toEqual([stale]);
    expect((await thief.report({ held: [{ lease, seq: 0 }] })).lost).toMatchObject([
      { lease, reason: "expired" },
    ]);
    expect(await json(system.send("GET", `/v1/runs/${run.id}`, undefined, admin), 200)).toMatchObject({
      phase: "running",
      actionCount: 1,
    });
    expect((await owner.finish(lease, OK)).refused).toEqual([]);
  });
});

describe("bundles", () => {
  test("are given by hash", async () => {
    const get = async (hash: string): Promise<Response> =>
      system.send("GET", `/internal/v1/bundles/${hash}`, undefined, await token());
    const reply = await get(BUNDLE);
    expect(reply.headers.get("Cache-Control")).toBe("no-store");
    const { sha256, download } = await json<BundleDownload>(reply, 200);
    expect([sha256, download.method]).toEqual([BUNDLE, "GET"]);
    const fetched = (): Promise<Response> => blobs.fetch(new Request(download.url));
    expect(await (await fetched()).text()).toBe("code");
    nowMs += 16 * 60_000;
    expect((await fetched()).status).toBe(403);
    await json(await get("c".repeat(43)), 404);
    await json(await get("x.y"), 400);
  });
});

describe("a supervisor", () => {
  const lost = async (more: Partial<TokenOptions> = {}, id = "runner-1"): Promise<Response> =>
    system.send(
      "POST",
      `/internal/v1/runners/${id}/lost`,
      { kind: "killed", detail: "SIGKILL" },
      await token({ audience: "godwit-supervisor", ...more }),
    );

  test("says once that its runner is gone, and its actions are queued again", async () => {
    await start();
    const runner = new HandRunner(system, "runner-1", await token());
    await runner.report();
    await runner.lease();
    expect((await lost()).status).toBe(204);
    const next = new HandRunner(system, "runner-2", await token({ subject: "runner-2" }));
    await next.report();
    expect(await next.lease()).toMatchObject([{ action: "a0", attempt: 2 }]);
    expect((await runner.report()).known).toBe(false);
  });

  test("cannot use its token for a runner that came back under the same id", async () => {
    await lost();
    await start();
    const runner = new HandRunner(system, "runner-1", await token());
    await runner.report();
    const [root] = await runner.lease();
    expect((await lost()).status).toBe(204);
    expect((await runner.finish(root?.lease ?? "", OK)).refused).toEqual([]);
    expect((await lost({ id: "t2" })).status).toBe(204);
    expect((await runner.report()).known).toBe(false);
  });

  test("speaks for its own runner only, and in words that are known", async () => {
    await json(await lost({}, "runner-2"), 403);
    const headers = await token({ audience: "godwit-supervisor" });
    await json(
      system.send("POST", "/internal/v1/runners/runner-1/lost", { kind: "bored", detail: "" }, headers),
      400,
    );
  });
});

describe("tokens", () => {
  test("can be signed with a key pair", async () => {
    const pair = await generateKeyPair("EdDSA");
    const signed = await issueRunnerToken(pair, {
      subject: "r",
      pools: ["d1"],
      run: "r1",
      id: "t",
      nowMs,
      ttlMs: 1_500,
    });
    expect(await verifyRunnerToken(pair, signed, { nowMs })).toEqual({
      subject: "r",
      pools: ["d1"],
      run: "r1",
      id: "t",
      expiresMs: nowMs + 2_000,
    });
    await expect(verifyRunnerToken(SIGNING_KEY, signed, { nowMs })).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
    await expect(verifyRunnerToken(pair, signed, { nowMs: nowMs + 3_000 })).rejects.toMatchObject({
      message: "the runner's token has expired",
    });
  });

  test("need a key that cannot be guessed", async () => {
    const options = { subject: "r", pools: [], id: "t", nowMs, ttlMs: 1 };
    expect(() => issueRunnerToken(new Uint8Array(8), options)).toThrow("32 bytes");
  });
});
