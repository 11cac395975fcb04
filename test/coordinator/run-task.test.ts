import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ListPage, Problem, RunSummary, StartedRun, TaskDetail } from "../../src/client/api.ts";
import { deploy, HandRunner, json, keyFor, OK, openSystem, type System } from "./system.ts";

let system: System;
let nowMs = 1_000;
const admin: Record<string, string> = {};

beforeEach(async () => {
  system = await openSystem({ auth: { mode: "keys" }, now: () => nowMs++ });
  Object.assign(admin, await keyFor(system, ["admin"]));
  await deploy(system);
});
afterEach(() => system.close());

const post = (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  system.send("POST", path, body, { ...admin, ...headers });

const runs = async (): Promise<readonly RunSummary[]> =>
  (await json<ListPage<RunSummary>>(system.send("GET", "/v1/runs", undefined, admin), 200)).data;

async function problem(reply: Promise<Response>, status: number): Promise<Problem> {
  return json<Problem>(reply, status);
}

describe("POST /v1/tasks/{task}/run", () => {
  test("takes the input as its body, and answers 202 with where to look", async () => {
    const reply = await post("/v1/tasks/hello.main/run", { x: 1 });
    const { id, outcome, task } = await json<StartedRun>(reply, 202);
    expect({ outcome, task }).toEqual({ outcome: null, task: "hello.main" });
    expect(reply.headers.get("Location")).toBe(`/v1/runs/${id}`);
    expect(reply.headers.get("Retry-After")).toBe("1");
    const [action] = await system.core.driver.read((sql) =>
      sql.all<{ input: string }>("SELECT input FROM actions WHERE run_id = $1", id),
    );
    expect(action?.input).toBe('{"x":1}');
  });

  test("answers 200 with the outcome when the run ended within the wait", async () => {
    // A token is not asked for what is done here by hand.
    const open = await openSystem({ driver: system.core.driver });
    const runner = new HandRunner(open);
    await runner.report();
    const replying = post("/v1/tasks/hello.free/run?wait=20s");
    let lease: string | undefined;
    while (lease === undefined) lease = (await runner.lease())[0]?.lease;
    await runner.finish(lease, OK);
    const reply = await replying;
    expect(reply.headers.get("Retry-After")).toBeNull();
    expect(await json<StartedRun>(reply, 200)).toMatchObject({
      phase: "succeeded",
      outcome: { ok: true, value: 42 },
    });
  });

  test("waits no longer than it may", async () => {
    const open = await openSystem({ limits: { maxWaitMs: 50 } });
    await deploy(open);
    const { outcome } = await json<StartedRun>(open.send("POST", "/v1/tasks/hello.free/run?wait=1h"), 202);
    expect(outcome).toBeNull();
    await open.close();
  });

  test("takes the settings of the run from the query", async () => {
    const query = "name=nightly&label=team:search&label=note:a,b:c&priority=7&domain=development";
    const { id } = await json<StartedRun>(post(`/v1/tasks/hello.free/run?${query}`), 202);
    expect(await json(system.send("GET", `/v1/runs/${id}`, undefined, admin), 200)).toMatchObject({
      labels: { name: "nightly", team: "search", note: "a,b:c" },
      priority: 7,
    });
  });

  test("runs the version that was deployed last, or the one it names", async () => {
    await deploy(system, { id: "d2", version: "v2" });
    const at = async (query: string): Promise<string> =>
      (await json<StartedRun>(post(`/v1/tasks/hello.free/run${query}`), 202)).deployment;
    expect(await at("")).toBe("d2");
    expect(await at("?version=latest")).toBe("d2");
    expect(await at("?version=v1")).toBe("d1");
    const seen = system.send("GET", "/v1/tasks/hello.free?version=v1", undefined, admin);
    expect(await json<TaskDetail>(seen, 200)).toMatchObject({ deployment: "d1" });
    const started = post("/v1/runs", { task: "hello.free", version: "v1" });
    expect(await json<StartedRun>(started, 202)).toMatchObject({ deployment: "d1" });
  });

  test("does not run what the newest version no longer has", async () => {
    await deploy(system, { id: "d2", version: "v2", tasks: [{ name: "hello.main" }] });
    const { code, detail, hint } = await problem(post("/v1/tasks/hello.free/run"), 404);
    expect({ code, hint }).toEqual({ code: "TASK_NOT_FOUND", hint: "It has hello.main." });
    expect(detail).toContain('no task "hello.free" in default/development');
    expect(await runs()).toEqual([]);
  });

  test.each([
    ["hello.nope", "", 'its version "v1" does not have it', "It has hello.free, hello.main."],
    ["hello.free", "?version=v9", 'at version "v9"', "Versions of hello in default/development: v1."],
    ["other.main", "", "in default/development", "Deployed in default/development: hello."],
    ["hello.free", "?domain=production", "in default/production", "hello is deployed in development."],
    ["hello.free", "?project=theirs", "in theirs/development", "Nothing is deployed in theirs/development."],
  ])("tells what there is instead of %s%s", async (task, query, detail, hint) => {
    const answer = await problem(post(`/v1/tasks/${task}/run${query}`), 404);
    expect(answer).toMatchObject({
      code: "TASK_NOT_FOUND",
      detail: expect.stringContaining(detail),
      hint: expect.stringContaining(hint),
    });
  });

  test("starts nothing with an input that the schema refuses", async () => {
    for (const body of [{ x: "1" }, { y: 1 }, '"text"', undefined]) {
      expect(await problem(post("/v1/tasks/hello.main/run", body), 422)).toMatchObject({
        code: "INPUT_INVALID",
      });
    }
    expect(await runs()).toEqual([]);
  });

  test.each([
    ["?version=current", undefined, {}, 'version` "current"'],
    ["?label=team", undefined, {}, "must be `key:value`"],
    ["?priority=high", undefined, {}, "priority"],
    ["?wait=soon", undefined, {}, '"soon" is not a duration'],
    ["", "{", {}, "not JSON"],
    ["", "x: 1", { "Content-Type": "text/yaml" }, "application/json"],
  ])("refuses what it cannot understand: %s %s", async (query, body, headers, detail) => {
    const answer = await problem(post(`/v1/tasks/hello.free/run${query}`, body, headers), 400);
    expect(answer.code).toBe("INVALID_REQUEST");
    expect(answer.detail).toContain(detail);
    expect(await runs()).toEqual([]);
  });

  test("starts one run for one idempotency key, and wants the same request again", async () => {
    const key = { "Idempotency-Key": "once" };
    const start = (query: string): Promise<Response> => post(`/v1/tasks/hello.free/run${query}`, 1, key);
    const first = await json<StartedRun>(start("?label=a:1&name=n"), 202);
    const again = await start("?name=n&wait=10ms&label=a:1");
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect((await json<StartedRun>(again, 202)).id).toBe(first.id);
    expect((await problem(start("?name=n"), 422)).code).toBe("IDEMPOTENCY_KEY_REUSED");
    expect(await runs()).toHaveLength(1);
  });
});

describe("POST /v1/runs", () => {
  test("changes the options of the task for one run", async () => {
    const options = { retries: { count: 0 }, priority: 2, limits: null, concurrency: null };
    const { id } = await json<StartedRun>(
      post("/v1/runs", { task: "hello.main", input: { x: 1 }, options }),
      202,
    );
    const [action] = await system.core.driver.read((sql) =>
      sql.all<{ options: string }>("SELECT options FROM actions WHERE run_id = $1", id),
    );
    expect(JSON.parse(action?.options ?? "")).toEqual({ priority: 2 });
  });

  test.each([
    [{ deployment: "d1", version: "v1" }, "exclude each other"],
    [{ version: "current" }, "no task calls"],
    [{ options: { retries: -1 } }, "retries"],
    [{ options: { remote: { version: "v1" } } }, "remote"],
  ])("refuses %j", async (more, detail) => {
    const answer = await problem(post("/v1/runs", { task: "hello.free", ...more }), 400);
    expect(answer).toMatchObject({ code: "INVALID_REQUEST", detail: expect.stringContaining(detail) });
    expect(await runs()).toEqual([]);
  });
});
