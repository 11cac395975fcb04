import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ListPage, Problem, RunDetail, RunSummary, StartedRun } from "../../src/client/api.ts";
import { issueRunnerToken, type TokenOptions } from "../../src/coordinator/auth/runner-token.ts";
import { LEASE_HEADER } from "../../src/core/protocol.ts";
import { deploy, HandRunner, json, keyFor, OK, openSystem, SIGNING_KEY, type System } from "./system.ts";

let system: System;
let nowMs: number;
let admin: Record<string, string>;

/** A run whose root a runner has leased, as a task that asks the coordinator for something. */
interface Asking {
  readonly run: string;
  readonly lease: string;
  readonly runner: HandRunner;
  /** What its runner sends for it. */
  readonly headers: Record<string, string>;
}

async function token(subject: string, more: Partial<TokenOptions> = {}): Promise<Record<string, string>> {
  const options = { subject, pools: ["*"], id: `t-${subject}`, nowMs, ttlMs: 3_600_000, ...more };
  return { Authorization: `Bearer ${await issueRunnerToken(SIGNING_KEY, options)}` };
}

async function asking(name: string, at: { project?: string; domain?: string } = {}): Promise<Asking> {
  const { id: run } = await json<StartedRun>(
    system.send("POST", "/v1/runs", { task: "hello.free", ...at }, admin),
    202,
  );
  const bearer = await token(name);
  const runner = new HandRunner(system, name, bearer);
  await runner.report();
  const lease = (await runner.lease()).find((grant) => grant.run === run)?.lease ?? "";
  return { run, lease, runner, headers: { ...bearer, [LEASE_HEADER]: lease } };
}

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  system = await openSystem({ auth: { mode: "keys" }, now: () => nowMs++ });
  admin = await keyFor(system, ["admin"]);
  await deploy(system);
});
afterEach(() => system.close());

const start = (
  { headers }: Pick<Asking, "headers">,
  body: object = {},
  more: object = {},
): Promise<Response> =>
  system.send("POST", "/v1/runs", { task: "hello.free", ...body }, { ...headers, ...more });

async function refusal(reply: Promise<Response>, status: number): Promise<string> {
  return (await json<Problem>(reply, status)).code;
}

describe("a task may ask through its runner", () => {
  test("to start runs, in the project and domain of its own run", async () => {
    for (const [name, at] of [
      ["here", {}],
      ["there", { project: "search", domain: "production" }],
    ] as const) {
      await deploy(system, { id: `of-${name}`, version: name, ...at });
      const { run, headers } = await asking(name, at);
      const place = { project: "default", domain: "development", ...at };
      const started = await json<StartedRun>(start({ headers }), 202);
      expect(started).toMatchObject({ ...place, createdBy: `run:${run}` });
      const other = await json<StartedRun>(
        system.send("POST", "/v1/tasks/hello.free/run", undefined, headers),
        202,
      );
      expect(other).toMatchObject(place);
    }
  });

  test("to read, follow and abort what its run started", async () => {
    const { headers } = await asking("runner-1");
    const { id } = await json<StartedRun>(start({ headers }), 202);
    const get = (path: string): Promise<Response> => system.send("GET", path, undefined, headers);
    expect(await json<RunDetail>(get(`/v1/runs/${id}`), 200)).toMatchObject({ id, phase: "queued" });
    await json(get(`/v1/runs/${id}/result`), 202);
    await json(get(`/v1/runs/${id}/events`), 200);
    const { data } = await json<ListPage<RunSummary>>(get("/v1/runs"), 200);
    expect(data.map((run) => run.id)).toEqual([id]);
    await json(system.send("POST", `/v1/runs/${id}/abort`, {}, headers), 200);
    expect(await json<RunDetail>(get(`/v1/runs/${id}`), 200)).toMatchObject({ phase: "aborted" });
  });

  test("in whatever attempt and on whatever runner its run goes on", async () => {
    const first = await asking("runner-1");
    const { id } = await json<StartedRun>(start(first, {}, { "Idempotency-Key": "k" }), 202);
    await first.runner.report({ releases: [first.lease] });
    const bearer = await token("runner-2");
    const runner = new HandRunner(system, "runner-2", bearer);
    await runner.report();
    const lease = (await runner.lease()).find((grant) => grant.run === first.run)?.lease ?? "";
    const second = { headers: { ...bearer, [LEASE_HEADER]: lease } };
    expect((await json<StartedRun>(start(second, {}, { "Idempotency-Key": "k" }), 202)).id).toBe(id);
    expect(await refusal(start(first, {}, { "Idempotency-Key": "k" }), 409)).toBe("LEASE_STALE");
  });

  test("for the same run after days, when the first reply is forgotten", async () => {
    const { lease, headers } = await asking("runner-1");
    const key = { "Idempotency-Key": "k" };
    const { id } = await json<StartedRun>(start({ headers }, {}, key), 202);
    nowMs += 3 * 24 * 3_600_000;
    const later = { headers: { ...(await token("runner-1")), [LEASE_HEADER]: lease } };
    const again = await start(later, {}, key);
    expect(again.headers.get("Idempotency-Replayed")).toBeNull();
    expect((await json<StartedRun>(again, 202)).id).toBe(id);
    const other = await json<StartedRun>(start(later, {}, { "Idempotency-Key": "other" }), 202);
    expect(other.id).not.toBe(id);
  });

  test("for tasks as it was deployed itself", async () => {
    await deploy(system, {
      id: "caller1",
      environment: "caller",
      version: "v1",
      dependsOn: { hello: "d1" },
      tasks: [{ name: "caller.main" }],
    });
    const { headers } = await asking("runner-1");
    await json<StartedRun>(start({ headers }, { task: "caller.main" }), 202);
    const bearer = await token("runner-3");
    const callers = new HandRunner(system, "runner-3", bearer, ["caller1"]);
    await callers.report();
    const [grant] = await callers.lease();
    const caller = { headers: { ...bearer, [LEASE_HEADER]: grant?.lease ?? "" } };
    await deploy(system, { id: "d2", version: "v2" });
    await deploy(system, {
      id: "caller2",
      environment: "caller",
      version: "v2",
      tasks: [{ name: "caller.main" }],
    });
    const at = async (task: string, version: string): Promise<string> =>
      (await json<StartedRun>(start(caller, { task, version }), 202)).deployment;
    expect(await at("caller.main", "current")).toBe("caller1");
    expect(await at("caller.main", "latest")).toBe("caller2");
    expect(await at("hello.free", "current")).toBe("d1");
    expect(await at("hello.free", "latest")).toBe("d2");
  });
});

describe("a task is refused", () => {
  test("with a lease that has ended", async () => {
    const { lease, runner, headers } = await asking("runner-1");
    await runner.finish(lease, OK);
    expect(await refusal(start({ headers }), 409)).toBe("LEASE_STALE");
  });

  test("with a lease that never was", async () => {
    const { run, headers } = await asking("runner-1");
    for (const lease of [`${run}/a0/guess`, "", "nonsense", `${run}/a0`]) {
      const answer = start({ headers: { ...headers, [LEASE_HEADER]: lease } });
      expect(await refusal(answer, 409)).toBe("LEASE_STALE");
    }
  });

  test("with the lease of another runner", async () => {
    const mine = await asking("runner-1");
    const theirs = await asking("runner-2");
    const mixed = { headers: { ...mine.headers, [LEASE_HEADER]: theirs.lease } };
    expect(await refusal(start(mixed), 409)).toBe("LEASE_STALE");
  });

  test("with a token for another run", async () => {
    const mine = await asking("runner-1");
    const bearer = await token("runner-1", { run: "r-other", id: "t2" });
    expect(await refusal(start({ headers: { ...bearer, [LEASE_HEADER]: mine.lease } }), 403)).toBe(
      "FORBIDDEN",
    );
  });

  test("with a token that is none, has expired, or is a supervisor's", async () => {
    const { lease, headers } = await asking("runner-1");
    const send = (authorization: Record<string, string>): Promise<Response> =>
      start({ headers: { ...authorization, [LEASE_HEADER]: lease } });
    expect(await refusal(send({}), 401)).toBe("UNAUTHENTICATED");
    expect(await refusal(send({ Authorization: "Bearer x" }), 401)).toBe("UNAUTHENTICATED");
    expect(await refusal(send(await token("runner-1", { audience: "godwit-supervisor" })), 401)).toBe(
      "UNAUTHENTICATED",
    );
    nowMs += 2 * 3_600_000;
    expect(await refusal(start({ headers }), 401)).toBe("UNAUTHENTICATED");
  });

  test("with a token and no lease, and with an API key and a lease", async () => {
    const { lease } = await asking("runner-1");
    expect(await refusal(start({ headers: await token("runner-1") }), 401)).toBe("UNAUTHENTICATED");
    const key = { ...admin, [LEASE_HEADER]: lease };
    expect(await refusal(start({ headers: key }), 401)).toBe("UNAUTHENTICATED");
  });

  test("in another project and another domain", async () => {
    await deploy(system, { id: "theirs", project: "theirs" });
    await deploy(system, { id: "live", domain: "production" });
    const { headers } = await asking("runner-1");
    for (const body of [
      { project: "theirs" },
      { domain: "production" },
      { project: "theirs", domain: "production" },
    ]) {
      expect(await refusal(start({ headers }, body), 403)).toBe("FORBIDDEN");
    }
    for (const deployment of ["theirs", "live"]) {
      expect(await refusal(start({ headers }, { deployment }), 404)).toBe("DEPLOYMENT_NOT_FOUND");
    }
    expect(await refusal(system.send("GET", "/v1/runs?project=theirs", undefined, headers), 403)).toBe(
      "FORBIDDEN",
    );
  });

  test("runs that others started: its own, its caller's, and those of another run", async () => {
    const mine = await asking("runner-1");
    const theirs = await asking("runner-2");
    const { id } = await json<StartedRun>(start(theirs), 202);
    for (const run of [mine.run, theirs.run, id, "r-none"]) {
      for (const path of [`/v1/runs/${run}`, `/v1/runs/${run}/result`, `/v1/runs/${run}/events`]) {
        expect(await refusal(system.send("GET", path, undefined, mine.headers), 404)).toBe("RUN_NOT_FOUND");
      }
      const abort = system.send("POST", `/v1/runs/${run}/abort`, {}, mine.headers);
      expect(await refusal(abort, 404)).toBe("RUN_NOT_FOUND");
      const origin = { origin: { run, kind: "recover" } };
      expect(await refusal(start(mine, origin), 404)).toBe("RUN_NOT_FOUND");
    }
    const listed = system.send("GET", "/v1/runs", undefined, mine.headers);
    expect((await json<ListPage<RunSummary>>(listed, 200)).data).toEqual([]);
  });

  test("everything that is not about runs it started", async () => {
    const { headers } = await asking("runner-1");
    const { id } = await json<StartedRun>(start({ headers }), 202);
    const open = new Set([
      "POST /v1/blobs",
      "POST /v1/runs",
      "GET /v1/runs",
      "GET /v1/runs/:run",
      "GET /v1/runs/:run/result",
      "GET /v1/runs/:run/events",
      "POST /v1/runs/:run/abort",
      "POST /v1/tasks/:task/run",
    ]);
    const routes = system.app.routes.filter(
      ({ method, path }) => method !== "ALL" && path.startsWith("/v1/"),
    );
    const names = new Set(routes.map(({ method, path }) => `${method} ${path}`));
    expect([...open].filter((name) => !names.has(name))).toEqual([]);
    expect(names.size).toBeGreaterThan(open.size + 15);
    for (const name of names) {
      if (open.has(name)) continue;
      const [method = "", path = ""] = name.split(" ");
      const filled = path.replace(":run", id).replaceAll(/:(\w+)/g, "a0");
      const body = method === "GET" || method === "DELETE" ? undefined : {};
      const answer = system.send(method, filled, body, headers);
      expect([name, await refusal(answer, 403)]).toEqual([name, "FORBIDDEN"]);
    }
  });
});

test("on a machine that needs no keys, a task is known by its lease all the same", async () => {
  const open = await openSystem();
  await deploy(open);
  const { id: run } = await json<StartedRun>(open.send("POST", "/v1/runs", { task: "hello.free" }), 202);
  const runner = new HandRunner(open);
  await runner.report();
  const lease = (await runner.lease())[0]?.lease ?? "";
  const headers = { [LEASE_HEADER]: lease };
  const started = open.send("POST", "/v1/runs", { task: "hello.free", version: "current" }, headers);
  expect(await json<StartedRun>(started, 202)).toMatchObject({ createdBy: `run:${run}`, deployment: "d1" });
  await runner.finish(lease, OK);
  await json(open.send("POST", "/v1/runs", { task: "hello.free" }, headers), 409);
  await open.close();
});
