import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type {
  BlobAsk,
  BlobResult,
  BlobsReply,
  BundleUpload,
  Problem,
  RunSummary,
} from "../../src/client/api.ts";
import { issueRunnerToken, type TokenOptions } from "../../src/coordinator/auth/runner-token.ts";
import { bundleKey } from "../../src/core/blob-keys.ts";
import { LEASE_HEADER } from "../../src/core/protocol.ts";
import { altered, type BlobFolder, openBlobFolder, sha256Of } from "./blob-folder.ts";
import { deploy, HandRunner, json, keyFor, OK, openSystem, SIGNING_KEY, type System } from "./system.ts";

const TEXT = new TextEncoder().encode("hello");
const SHA256 = sha256Of("hello");
const KEY = `projects/default/sha256/${SHA256.slice(0, 2)}/${SHA256}`;
const PUT = { op: "put", key: KEY, sizeBytes: 5, sha256: SHA256, mediaType: "text/plain" } as const;

let system: System;
let blobs: BlobFolder;
let nowMs: number;
let admin: Record<string, string>;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  blobs = await openBlobFolder(() => nowMs);
  system = await openSystem({ auth: { mode: "keys" }, now: () => nowMs, blobs: blobs.store });
  admin = await keyFor(system, ["admin"]);
});
afterEach(async () => {
  await system.close();
  await blobs.close();
});

const send = (
  requests: readonly BlobAsk[],
  headers: Record<string, string> = admin,
  project?: string,
): Promise<Response> => system.send("POST", "/v1/blobs", { project, requests }, headers);

const ask = async (
  requests: readonly BlobAsk[],
  headers: Record<string, string> = admin,
): Promise<readonly BlobResult[]> => (await json<BlobsReply>(send(requests, headers), 200)).results;

/** Sends what was signed, as any HTTP client would. */
async function use(result: BlobResult | undefined, body?: Uint8Array<ArrayBuffer>): Promise<Response> {
  if (result?.ok !== true || !("request" in result.answer)) throw new Error(JSON.stringify(result));
  const { url, method, headers } = result.answer.request;
  return blobs.fetch(new Request(url, { method, headers, ...(body !== undefined && { body }) }));
}

const refused = async (reply: Promise<Response>, status: number): Promise<Problem> => {
  const problem = await json<Problem>(reply, status);
  expect(problem.hint).not.toBe("");
  return problem;
};

describe("the blobs of a project", () => {
  test("are written and read under signed URLs, many requests at a time", async () => {
    const [before, put] = await ask([{ op: "head", key: KEY }, PUT]);
    expect(before).toEqual({ ok: true, answer: { info: null } });
    expect((await use(put, TEXT)).status).toBe(201);
    const results = await ask([
      { op: "get", key: KEY, describe: true },
      { op: "head", key: KEY },
      { op: "list", prefix: "projects/default/" },
    ]);
    expect(await (await use(results[0])).text()).toBe("hello");
    const info = { key: KEY, sizeBytes: 5, sha256: SHA256, mediaType: "text/plain" };
    expect(results[0]).toMatchObject({ answer: { info } });
    expect(results[1]).toMatchObject({ ok: true, answer: { info } });
    expect(results[2]).toMatchObject({ answer: { page: { blobs: [{ key: KEY }], next: null } } });
    expect(await ask([{ op: "delete", key: KEY }])).toEqual([{ ok: true, answer: {} }]);
    expect(await ask([{ op: "head", key: KEY }])).toEqual([{ ok: true, answer: { info: null } }]);
  });

  test("have URLs for these bytes alone, that end after minutes", async () => {
    const [put] = await ask([PUT]);
    expect((await use(put, new TextEncoder().encode("hullo"))).status).toBe(422);
    nowMs += 15 * 60_000;
    expect((await use(put, TEXT)).status).toBe(403);
    const [short] = await ask([{ ...PUT, expiresInMs: 1_000 }]);
    nowMs += 1_000;
    expect((await use(short, TEXT)).status).toBe(403);
    await refused(send([{ ...PUT, expiresInMs: 15 * 60_000 + 1 }]), 400);
  });

  test("are in a store that says what it is", async () => {
    const reply = await send([], await keyFor(system, ["runs:read"], { project: "search" }));
    expect(reply.headers.get("Cache-Control")).toBe("no-store");
    const { store } = await json<BlobsReply>(reply, 200);
    expect(store.prefix).toBe("projects/search/");
    expect(store.uri + KEY).toBe(blobs.store.uriOf(KEY));
    expect(store.capabilities).toMatchObject({ scheme: "file", maxSignedMs: 15 * 60_000 });
  });

  test("are nobody else's", async () => {
    const headers = await keyFor(system, ["admin"], { project: "def" });
    const keys = [KEY, "projects/default", bundleKey(SHA256), "projects/defx/a", "projects/"];
    for (const key of keys) {
      const requests: readonly BlobAsk[] = [
        { op: "get", key },
        { ...PUT, key: `${key}x` },
        { op: "head", key },
        { op: "delete", key },
      ];
      for (const request of requests) {
        const status = key.endsWith("/") && request.op !== "put" ? 400 : 403;
        await refused(send([request], headers), status);
      }
    }
    const lists = ["projects/", "projects/d", "projects/default/", "bundles/", "p"];
    for (const prefix of lists) {
      const problem = await refused(send([{ op: "list", prefix }], headers), 403);
      expect(problem.detail).toContain(`keys of the project "def" only, not "${prefix}"`);
    }
    await refused(send([], headers, "default"), 403);
    // Whoever sees all projects sees no code either.
    await refused(send([{ op: "get", key: bundleKey(SHA256) }]), 403);
    await refused(send([{ op: "list", prefix: "projects/" }]), 403);
    await refused(send([{ op: "get", key: "projects/default/../../bundles/x" }]), 400);
  });

  test("are read with one scope and written with another", async () => {
    const read: readonly BlobAsk[] = [{ op: "get", key: KEY }];
    const write: readonly BlobAsk[] = [PUT];
    const reader = await keyFor(system, ["runs:read"]);
    const writer = await keyFor(system, ["runs:write"]);
    await json(send(read, reader), 200);
    await json(send(write, writer), 200);
    expect((await refused(send(write, reader), 403)).detail).toContain('"runs:write"');
    expect((await refused(send(read, writer), 403)).detail).toContain('"runs:read"');
    await refused(send([{ op: "delete", key: KEY }], reader), 403);
    await refused(send(read, await keyFor(system, ["tasks:deploy"])), 403);
  });

  test("are refused when what is said of them cannot be", async () => {
    const other = sha256Of("other");
    expect((await refused(send([{ ...PUT, sha256: other }]), 400)).detail).toContain(other);
    const problem = await refused(send([{ ...PUT, sha256: "x" }]), 400);
    expect(problem.errors?.[0]?.pointer).toContain("/requests/0");
    await refused(send(Array.from({ length: 1_001 }, () => ({ op: "head", key: KEY }) as const)), 400);
    const { capabilities } = blobs.store;
    const signedPut = { ...capabilities.signedPut, maxBytes: 4 };
    const store = altered(blobs.store, { capabilities: { ...capabilities, signedPut } });
    const small = await openSystem({ blobs: store });
    const reply = small.send("POST", "/v1/blobs", { requests: [PUT] });
    expect((await refused(reply, 413)).code).toBe("BLOB_TOO_LARGE");
    await small.close();
  });

  test("fail one by one, and say nothing of the inside", async () => {
    const store = altered(blobs.store, {
      head: ({ key }) =>
        key.endsWith("b") ? Promise.reject(new Error("s3cret")) : blobs.store.head({ key }),
    });
    const broken = await openSystem({ blobs: store });
    const requests = ["a", "b", "c"].map((name) => ({ op: "head", key: `projects/x/${name}` }));
    const { results } = await json<BlobsReply>(broken.send("POST", "/v1/blobs", { requests }), 200);
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(results[1]).toMatchObject({ problem: { code: "INTERNAL", status: 500 } });
    expect(JSON.stringify(results)).not.toContain("s3cret");
    await broken.close();
  });

  test("need a blob store", async () => {
    const bare = await openSystem();
    const reply = bare.send("POST", "/v1/blobs", { requests: [] });
    expect((await refused(reply, 400)).code).toBe("BLOB_STORE_MISSING");
    await bare.close();
  });
});

describe("the blobs of a leased action", () => {
  let lease: string;
  let runner: HandRunner;

  const token = async (more: Partial<TokenOptions> = {}): Promise<Record<string, string>> => {
    const options = { subject: "runner-1", pools: ["*"], id: "t1", nowMs, ttlMs: 60_000, ...more };
    return { Authorization: `Bearer ${await issueRunnerToken(SIGNING_KEY, options)}` };
  };
  const leased = async (
    requests: readonly { readonly lease: string; readonly ask: BlobAsk }[],
    headers?: Record<string, string>,
  ): Promise<Response> => system.send("POST", "/internal/v1/blobs", { requests }, headers ?? (await token()));

  beforeEach(async () => {
    await deploy(system, { id: "d1" });
    await json<RunSummary>(system.send("POST", "/v1/runs", { task: "hello.free" }, admin), 202);
    runner = new HandRunner(system, "runner-1", await token());
    await runner.report();
    lease = (await runner.lease())[0]?.lease ?? "";
  });

  test("are those of its project", async () => {
    const [put] = (await json<BlobsReply>(leased([{ lease, ask: PUT }]), 200)).results;
    expect((await use(put, TEXT)).status).toBe(201);
    for (const key of ["projects/other/a", bundleKey(SHA256), "projects/defaultx/a"]) {
      for (const one of [
        { op: "get", key },
        { ...PUT, key },
        { op: "list", prefix: key },
      ] as const) {
        const problem = await refused(leased([{ lease, ask: one }]), 403);
        expect(problem.detail).toContain(`the project "default" only, not "${key}"`);
      }
    }
    expect((await refused(leased([{ lease, ask: { op: "delete", key: KEY } }]), 403)).code).toBe("FORBIDDEN");
  });

  test("are open to the task as well, for what it starts", async () => {
    const headers = { ...(await token()), [LEASE_HEADER]: lease };
    const [put] = await ask([PUT], headers);
    expect((await use(put, TEXT)).status).toBe(201);
    expect(await ask([{ op: "head", key: KEY }], headers)).toMatchObject([{ ok: true }]);
    await refused(send([{ op: "get", key: "projects/other/a" }], headers), 403);
    await refused(send([], headers, "other"), 403);
    expect((await refused(send([{ op: "delete", key: KEY }], headers), 403)).detail).toContain("delete");
  });

  test("are closed to whoever has no current lease of its own", async () => {
    const request = [{ lease, ask: PUT }];
    await refused(leased(request, {}), 401);
    await refused(leased(request, admin), 401);
    await refused(leased(request, await token({ audience: "godwit-supervisor" })), 401);
    const stale = await refused(leased(request, await token({ subject: "runner-2" })), 409);
    expect(stale).toMatchObject({ code: "LEASE_STALE", detail: expect.stringContaining(lease) });
    await refused(leased(request, await token({ run: "r1" })), 403);
    for (const none of ["", "x", "r/a/b"]) {
      await refused(leased([{ lease: none, ask: PUT }]), none === "" ? 400 : 409);
    }
    await runner.finish(lease, OK);
    expect((await refused(leased(request), 409)).code).toBe("LEASE_STALE");
  });

  test("are closed one by one: a lease that has ended does not fail the others", async () => {
    const requests = [lease, `${lease}x`].map((one) => ({ lease: one, ask: PUT }));
    const { results } = await json<BlobsReply>(leased(requests), 200);
    expect(results).toMatchObject([
      { ok: true },
      { ok: false, problem: { code: "LEASE_STALE", status: 409 } },
    ]);
  });
});

describe("a bundle", () => {
  const upload = (headers = admin): Promise<Response> =>
    system.send("POST", "/v1/bundles", { sha256: SHA256, sizeBytes: 5 }, headers);

  test("is uploaded under a signed URL, once", async () => {
    const first = await json<BundleUpload>(upload(), 200);
    const { url = "", method = "", headers = {} } = first.upload ?? {};
    expect(method).toBe("PUT");
    const wrong = new TextEncoder().encode("hullo");
    expect((await blobs.fetch(new Request(url, { method, headers, body: wrong }))).status).toBe(422);
    expect((await blobs.fetch(new Request(url, { method, headers, body: TEXT }))).status).toBe(201);
    expect(await json(upload(), 200)).toEqual({ sha256: SHA256, upload: null });
  });

  test("is uploaded again when what is there is something else", async () => {
    await blobs.store.put({ key: bundleKey(SHA256), body: new TextEncoder().encode("other") });
    expect((await json<BundleUpload>(upload(), 200)).upload).not.toBeNull();
    const environments = [{ name: "hello", bundle: SHA256, tasks: [] }];
    const reply = system.send("POST", "/v1/deployments", { environments }, admin);
    expect((await refused(reply, 409)).code).toBe("BUNDLE_MISSING");
  });

  test("is refused without a hash and a size", async () => {
    for (const body of [{}, { sha256: "x", sizeBytes: 1 }, { sha256: SHA256, sizeBytes: -1 }]) {
      await refused(system.send("POST", "/v1/bundles", body, admin), 400);
    }
  });
});
