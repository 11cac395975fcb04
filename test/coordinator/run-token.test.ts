import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BundleDownload, Problem, RunSummary } from "../../src/client/api.ts";
import { issueRunnerToken, type TokenOptions } from "../../src/coordinator/auth/runner-token.ts";
import type { ExchangeRequest, JournalEntry } from "../../src/core/protocol.ts";
import { type BlobFolder, openBlobFolder, sha256Of } from "./blob-folder.ts";
import { deploy, HandRunner, json, keyFor, OK, openSystem, SIGNING_KEY, type System } from "./system.ts";

const MINE = sha256Of("mine");
const THEIRS = sha256Of("theirs");
const nowMs = Date.UTC(2026, 0, 1);
let system: System;
let blobs: BlobFolder;
let admin: Record<string, string>;
/** Two runs of two deployments, each with a runner that has leased its root. */
let mine: Side;
let theirs: Side;

interface Side {
  readonly run: string;
  readonly runner: HandRunner;
  readonly lease: string;
}

async function token(more: Partial<TokenOptions> = {}): Promise<Record<string, string>> {
  const options = { subject: "runner-1", pools: ["*"], id: "t1", nowMs, ttlMs: 60_000, ...more };
  return { Authorization: `Bearer ${await issueRunnerToken(SIGNING_KEY, options)}` };
}

async function start(deployment: string): Promise<string> {
  const body = { task: "hello.free", deployment };
  return (await json<RunSummary>(system.send("POST", "/v1/runs", body, admin), 202)).id;
}

async function side(deployment: string, name: string): Promise<Side> {
  const run = await start(deployment);
  const runner = new HandRunner(system, name, await token({ subject: name, run, pools: [deployment] }));
  await json(
    system.send("POST", "/internal/v1/report", hello(name, [deployment]), await token({ subject: name })),
    200,
  );
  const reply = await runner.report({ ...only(deployment, name), want: 8 });
  return { run, runner, lease: reply.leases[0]?.lease ?? "" };
}

function only(deployment: string, id: string): Pick<ExchangeRequest, "runner"> {
  return { runner: { id, pools: [deployment], slots: 8, backend: "local", host: "here", pid: 1 } };
}

function hello(id: string, pools: readonly string[] = ["*"]): ExchangeRequest {
  return { ...only(pools[0] ?? "*", id), channel: "report", number: 1, want: 0 };
}

beforeEach(async () => {
  blobs = await openBlobFolder(() => nowMs);
  for (const code of ["mine", "theirs"]) await blobs.addBundle(code);
  system = await openSystem({ auth: { mode: "keys" }, now: () => nowMs, blobs: blobs.store });
  admin = await keyFor(system, ["admin"]);
  await deploy(system, { id: MINE });
  await deploy(system, { id: THEIRS });
  mine = await side(MINE, "runner-1");
  theirs = await side(THEIRS, "runner-2");
});
afterEach(async () => {
  await system.close();
  await blobs.close();
});

/** A token for `mine` alone that would serve every pool. */
const scoped = (): Promise<Record<string, string>> => token({ run: mine.run });

const WAITS = { calls: null, maps: [], replayMs: 1, firstMs: null };

const parts = (lease: string): readonly [string, Partial<ExchangeRequest>][] => [
  ["a call", { calls: [{ lease, id: "c", kind: "task", task: "hello.free", input: "1" }] }],
  ["an outcome", { outcomes: [{ lease, outcome: OK, startedMs: 1, endedMs: 2 }] }],
  ["a suspension", { suspensions: [{ lease, seq: 0, issued: 0, waits: WAITS, replayMs: 1 }] }],
  ["a checkpoint", { checkpoints: [{ lease, seq: 0, value: "1" }] }],
  ["an abort", { aborts: [{ lease, action: "a0", reason: "no" }] }],
  ["a log line", { logs: [{ lease, lines: [{ atMs: 1, level: "info", stream: "log", text: "x" }] }] }],
  ["a held parent", { held: [{ lease, seq: 0 }] }],
  ["a divergence", { divergences: [{ lease, kind: "new_call", action: "a", task: "t", detail: "" }] }],
  ["a release", { releases: [lease] }],
];

const phaseOf = async (run: string): Promise<string> =>
  (await json<RunSummary>(system.send("GET", `/v1/runs/${run}`, undefined, admin), 200)).phase;

describe("a token for one run", () => {
  test.each(parts("").map(([name]) => name))("refuses %s of another run, on both channels", async (name) => {
    const [, part] = parts(theirs.lease).find(([given]) => given === name) ?? [];
    for (const channel of ["report", "poll"] as const) {
      const body = { ...hello("runner-1"), number: 9, channel, ...part };
      const reply = system.send("POST", `/internal/v1/${channel}`, body, await scoped());
      expect((await json<Problem>(reply, 403)).detail).toContain(`is for the run "${mine.run}" only`);
    }
    expect(await phaseOf(theirs.run)).toBe("running");
  });

  test("leases nothing of another run, in whatever pool it waits", async () => {
    const other = await start(MINE);
    await start(THEIRS);
    const reply = await mine.runner.report({ ...only(MINE, "runner-1"), want: 8 });
    expect(reply.leases).toEqual([]);
    const polled = { ...hello("runner-1"), channel: "poll", want: 8, run: other };
    const headers = await scoped();
    expect(await json(system.send("POST", "/internal/v1/poll", polled, headers), 200)).toMatchObject({
      leases: [],
    });
    const calls = [{ lease: mine.lease, id: "c1", kind: "task", task: "hello.free", input: "1" } as const];
    await mine.runner.report({ ...only(MINE, "runner-1"), calls });
    const own = await mine.runner.report({ ...only(MINE, "runner-1"), want: 8 });
    expect(own.leases).toMatchObject([{ run: mine.run, action: "c1" }]);
    expect(await phaseOf(other)).toBe("queued");
  });

  test("starts no call itself under the name of another action", async () => {
    const call = { lease: mine.lease, id: "c1", kind: "task", task: "hello.free", input: "1" } as const;
    for (const claim of [`${theirs.run}/a0/n`, `${mine.run}/a0/n`, `${mine.run}/c2/n`]) {
      const body = { ...hello("runner-1"), number: 9, calls: [{ ...call, claim }] };
      await json(system.send("POST", "/internal/v1/report", body, await scoped()), 403);
    }
    const calls = [{ ...call, claim: `${mine.run}/c1/n` }];
    expect((await mine.runner.report({ ...only(MINE, "runner-1"), calls })).refused).toEqual([]);
  });

  test("reads no journal of another run, even with its lease", async () => {
    const calls = [{ lease: theirs.lease, id: "s1", kind: "trace", task: "now", input: "1" } as const];
    const outcomes = [{ lease: theirs.lease, trace: "s1", outcome: OK, startedMs: 1, endedMs: 2 }];
    await theirs.runner.report({ ...only(THEIRS, "runner-2"), calls, outcomes });
    const body = { lease: theirs.lease, since: 0, limit: 10 };
    const send = async (more: Partial<TokenOptions>): Promise<Response> =>
      system.send("POST", "/internal/v1/journal", body, await token(more));
    await json(send({ run: mine.run }), 403);
    await json(send({ run: mine.run, subject: "runner-2" }), 403);
    expect(await json<JournalEntry[]>(send({ subject: "runner-1" }), 200)).toEqual([]);
    expect(await json<JournalEntry[]>(send({ subject: "runner-2", run: theirs.run }), 200)).toHaveLength(1);
  });

  test("fetches the code of its run and no other", async () => {
    const get = async (hash: string, more: Partial<TokenOptions>): Promise<Response> =>
      system.send("GET", `/internal/v1/bundles/${hash}`, undefined, await token(more));
    const { download } = await json<BundleDownload>(get(MINE, { run: mine.run }), 200);
    expect(await (await blobs.fetch(new Request(download.url))).text()).toBe("mine");
    await json(get(THEIRS, { run: mine.run }), 403);
    await json(get(THEIRS, { run: "rx" }), 403);
    await json(get(THEIRS, { pools: [MINE] }), 403);
    expect((await get(MINE, { pools: [MINE] })).status).toBe(200);
  });

  test("fetches the code that its run, or its pools, depend on", async () => {
    const get = async (hash: string, more: Partial<TokenOptions>): Promise<Response> =>
      system.send("GET", `/internal/v1/bundles/${hash}`, undefined, await token(more));
    const FAR = sha256Of("far");
    await blobs.addBundle("far");
    await deploy(system, { id: "far", version: "far", bundle: FAR, environment: "far", project: "other" });
    const near = { id: "near", version: "near", environment: "near", bundle: THEIRS };
    await deploy(system, { ...near, dependsOn: { far: "far" } });
    await deploy(system, { id: "top", version: "top", bundle: MINE, dependsOn: { near: "near" } });
    for (const hash of [MINE, THEIRS, FAR]) {
      expect([hash, (await get(hash, { pools: ["top"] })).status]).toEqual([hash, 200]);
    }
    await json(get(FAR, { pools: [MINE] }), 403);
    await json(get(MINE, { pools: ["near"] }), 403);
    const { id } = await json<RunSummary>(
      system.send("POST", "/v1/runs", { task: "hello.free", deployment: "top" }, admin),
      202,
    );
    expect((await get(FAR, { run: id })).status).toBe(200);
    await json(get(FAR, { run: mine.run }), 403);
    const reach = { project: "default", domain: null, environments: null };
    expect((await get(THEIRS, { reach })).status).toBe(200);
    await json(get(FAR, { reach }), 403);
    expect((await get(FAR, { reach: { ...reach, project: "other" } })).status).toBe(200);
  });

  test("says nothing about another runner, and opens no public route", async () => {
    const lost = { kind: "killed", detail: "" };
    const supervisor = await token({ audience: "godwit-supervisor", run: mine.run });
    await json(system.send("POST", "/internal/v1/runners/runner-2/lost", lost, supervisor), 403);
    await json(system.send("POST", "/internal/v1/runners/runner-1/lost", lost, await scoped()), 401);
    expect(await phaseOf(theirs.run)).toBe("running");
    const paths = system.app.routes.filter(({ method, path }) => method !== "ALL" && path.startsWith("/v1/"));
    for (const { method, path } of paths)
      await json(system.send(method, path, undefined, await scoped()), 401);
  });
});
