import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type {
  ListPage,
  Problem,
  RunDetail,
  RunResult,
  RunSummary,
  StartedRun,
} from "../../src/client/api.ts";
import { deploy, HandRunner, json, OK, openSystem, type System } from "./system.ts";

let system: System;
beforeEach(async () => {
  system = await openSystem();
  await deploy(system);
});
afterEach(() => system.close());

const start = (body: Record<string, unknown> = {}, query = ""): Promise<StartedRun> =>
  json(system.send("POST", `/v1/runs${query}`, { task: "hello.main", input: { x: 1 }, ...body }), 202);

describe("starting a run", () => {
  test("answers 202 and where to look", async () => {
    const reply = await system.send("POST", "/v1/runs", { task: "hello.main", input: { x: 1 } });
    const run = await json<StartedRun>(reply, 202);
    expect(reply.headers.get("Location")).toBe(`/v1/runs/${run.id}`);
    expect(run).toMatchObject({ task: "hello.main", deployment: "d1", phase: "queued", outcome: null });
  });

  test("keeps what the run was asked to be", async () => {
    const asked = {
      labels: { team: "search" },
      context: { user: "ana" },
      priority: 5,
      weight: 2,
      actionLimit: 3,
      cache: "overwrite",
      suspend: "never",
      strict: true,
    };
    expect(await start(asked)).toMatchObject(asked);
  });

  test("answers 200 with the outcome when it ends within the wait", async () => {
    const runner = new HandRunner(system);
    await runner.report();
    const waiting = system.send("POST", "/v1/runs?wait=20s", { task: "hello.main", input: { x: 1 } });
    let leases = await runner.lease();
    while (leases.length === 0) leases = await runner.lease();
    await runner.finish(leases[0]?.lease ?? "", OK);
    const run = await json<StartedRun>(waiting, 200);
    expect(run).toMatchObject({ phase: "succeeded", outcome: { ok: true, value: 42 } });
  });

  test("takes the options of the task", async () => {
    await start();
    const runner = new HandRunner(system);
    await runner.report();
    expect(await runner.lease()).toMatchObject([{ input: '{"x":1}', options: { retries: { count: 2 } } }]);
  });

  test("refuses an input that the schema refuses, before anything is written", async () => {
    const reply = system.send("POST", "/v1/runs", {
      task: "hello.main",
      input: { x: "1", names: [1], y: 1 },
    });
    const problem = await json<Problem>(reply, 422);
    expect(problem.code).toBe("INPUT_INVALID");
    expect(problem.errors).toEqual(
      expect.arrayContaining([
        { pointer: "/x", message: expect.stringContaining("number") },
        { pointer: "/names/0", message: expect.stringContaining("string") },
        { pointer: "", message: 'has no property "y"' },
      ]),
    );
    expect(await json<ListPage<RunSummary>>(system.send("GET", "/v1/runs"), 200)).toEqual({
      data: [],
      nextCursor: null,
    });
  });

  test("refuses a missing input of a task that asks for one", async () => {
    const problem = await json<Problem>(system.send("POST", "/v1/runs", { task: "hello.main" }), 422);
    expect(problem.errors).toEqual([{ pointer: "", message: "an input is required" }]);
    await json(system.send("POST", "/v1/runs", { task: "hello.free" }), 202);
  });

  test("takes tagged JSON", async () => {
    await json(
      system.send("POST", "/v1/runs", {
        task: "hello.free",
        input: { at: { $date: "2026-01-01T00:00:00.000Z" } },
      }),
      202,
    );
    const runner = new HandRunner(system);
    await runner.report();
    expect((await runner.lease())[0]?.input).toBe('{"at":{"$date":"2026-01-01T00:00:00.000Z"}}');
  });

  test.each<[string, unknown, number, string]>([
    ["no task", { input: 1 }, 400, "INVALID_REQUEST"],
    ["an unknown field", { task: "hello.main", inputs: 1 }, 400, "INVALID_REQUEST"],
    ["an unknown task", { task: "hello.nope" }, 404, "TASK_NOT_FOUND"],
    ["an unknown deployment", { task: "hello.main", deployment: "d9" }, 404, "DEPLOYMENT_NOT_FOUND"],
    [
      "a deployment of another domain",
      { task: "hello.free", deployment: "d1", domain: "production" },
      404,
      "DEPLOYMENT_NOT_FOUND",
    ],
    ["a weight of 0", { task: "hello.free", weight: 0 }, 400, "INVALID_REQUEST"],
    [
      "an unknown origin",
      { task: "hello.free", origin: { run: "rx", kind: "recover" } },
      404,
      "RUN_NOT_FOUND",
    ],
    ["broken JSON", '{"task":', 400, "INVALID_REQUEST"],
    [
      "a value that is nested too deep",
      `{"task":"hello.free","input":${"[".repeat(3000)}${"]".repeat(3000)}}`,
      422,
      "VALUE_MALFORMED",
    ],
    [
      "a value that overflows the stack",
      `{"task":"hello.free","input":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
      422,
      "VALUE_MALFORMED",
    ],
    [
      "a value that is too large",
      { task: "hello.free", input: "x".repeat(11 * 1024 * 1024) },
      413,
      "INLINE_VALUE_TOO_LARGE",
    ],
    [
      "a body that is too large",
      { task: "hello.free", input: "x".repeat(13 * 1024 * 1024) },
      413,
      "BODY_TOO_LARGE",
    ],
  ])("refuses %s", async (_, body, status, code) => {
    const problem = await json<Problem>(system.send("POST", "/v1/runs", body), status);
    expect(problem.code).toBe(code);
  });

  test("refuses a wait that is not a time", async () => {
    const problem = await json<Problem>(
      system.send("POST", "/v1/runs?wait=soon", { task: "hello.free" }),
      400,
    );
    expect(problem.errors?.[0]?.pointer).toBe("/wait");
  });

  test("asks for a content type", async () => {
    const reply = system.app.request("/v1/runs", { method: "POST", body: "{}" });
    expect((await json<Problem>(reply, 400)).detail).toContain("application/json");
  });
});

describe("listing runs", () => {
  test("pages through all of them once, newest first", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await start()).id);
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const page: ListPage<RunSummary> = await json(system.send("GET", `/v1/runs?limit=2${query}`), 200);
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(ids.reverse());
  });

  test("pages over projects and domains, oldest first when asked to", async () => {
    await deploy(system, { id: "d2", project: "search", domain: "production" });
    await deploy(system, { id: "d3", project: "search", domain: "staging" });
    const ids = [
      await start(),
      await start({ deployment: "d2" }),
      await start({ deployment: "d3" }),
      await start(),
    ];
    const list = async (query: string): Promise<ListPage<RunSummary>> =>
      json(system.send("GET", `/v1/runs?${query}`), 200);
    const first = await list("order=asc&limit=3");
    const second = await list(`order=asc&limit=3&cursor=${first.nextCursor}`);
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(ids.map(({ id }) => id));
    expect((await list("project=search")).data.map(({ domain }) => domain)).toEqual([
      "staging",
      "production",
    ]);
    expect((await list("domain=production")).data.map(({ id }) => id)).toEqual([ids[1]?.id]);
  });

  test("filters by phase, task, label and origin", async () => {
    const plain = await start({ task: "hello.free" });
    const labelled = await start({ labels: { team: "search", note: 'a "b"' } });
    const again = await json<StartedRun>(system.send("POST", `/v1/runs/${plain.id}/rerun`, {}), 202);
    await json(system.send("POST", `/v1/runs/${plain.id}/abort`, {}), 200);
    const ids = async (query: string): Promise<string[]> => {
      const page = await json<ListPage<RunSummary>>(system.send("GET", `/v1/runs?${query}`), 200);
      return page.data.map(({ id }) => id);
    };
    expect(await ids("phase=aborted")).toEqual([plain.id]);
    expect(await ids("phase=queued,running")).toEqual([again.id, labelled.id]);
    expect(await ids("phase=queued&phase=aborted")).toHaveLength(3);
    expect(await ids("task=hello.main")).toEqual([labelled.id]);
    expect(await ids("label=team")).toEqual([labelled.id]);
    expect(await ids("label=team=search")).toEqual([labelled.id]);
    expect(await ids(`label=${encodeURIComponent('note=a "b"')}&label=team`)).toEqual([labelled.id]);
    expect(await ids("label=team=Search")).toEqual([]);
    expect(await ids("label=tea")).toEqual([]);
    expect(await ids(`origin=${plain.id}`)).toEqual([again.id]);
  });

  test("refuses a cursor that was changed, or that is of another list", async () => {
    for (let i = 0; i < 3; i++) await start();
    const { nextCursor } = await json<ListPage<RunSummary>>(system.send("GET", "/v1/runs?limit=1"), 200);
    for (const query of [
      `cursor=${nextCursor}x`,
      `cursor=${nextCursor}&phase=queued`,
      "cursor=abc",
      "cursor=%00",
    ]) {
      const problem = await json<Problem>(system.send("GET", `/v1/runs?limit=1&${query}`), 400);
      expect(problem.code).toBe("INVALID_CURSOR");
    }
  });

  test.each(["limit=0", "limit=101", "limit=x", "phase=gone", "order=up"])("refuses %s", async (query) => {
    const problem = await json<Problem>(system.send("GET", `/v1/runs?${query}`), 400);
    expect(problem.errors?.[0]?.pointer).toMatch(/^\/(limit|phase|order)/);
  });
});

describe("reading a run", () => {
  test("answers 304 until the run changes", async () => {
    const { id } = await start();
    const first = await system.send("GET", `/v1/runs/${id}`);
    const etag = first.headers.get("ETag") ?? "";
    expect(await json<RunDetail>(first, 200)).toMatchObject({
      id,
      divergences: [],
      origin: null,
      eventSeq: 2,
    });
    const same = await system.send("GET", `/v1/runs/${id}`, undefined, { "If-None-Match": `"x", ${etag}` });
    expect(same.status).toBe(304);
    await json(system.send("POST", `/v1/runs/${id}/abort`, { reason: "test" }), 200);
    const changed = await system.send("GET", `/v1/runs/${id}`, undefined, { "If-None-Match": etag });
    expect(await json<RunDetail>(changed, 200)).toMatchObject({
      phase: "aborted",
      error: { code: "ABORTED" },
    });
  });

  test("lists divergences", async () => {
    const { id } = await start();
    const runner = new HandRunner(system);
    await runner.report();
    const [lease] = await runner.lease();
    const divergence = {
      lease: lease?.lease ?? "",
      kind: "new_call",
      action: "x1",
      task: "hello.b",
      detail: "new",
    } as const;
    await runner.report({ divergences: [divergence] });
    const run = await json<RunDetail>(system.send("GET", `/v1/runs/${id}`), 200);
    expect(run.divergenceCount).toBe(1);
    expect(run.divergences).toMatchObject([{ action: "a0", kind: "new_call", call: "x1", detail: "new" }]);
  });

  test("gives the result when it is there", async () => {
    const { id } = await start();
    expect(await json<RunResult>(system.send("GET", `/v1/runs/${id}/result`), 202)).toEqual({
      run: id,
      project: "default",
      phase: "queued",
      outcome: null,
    });
    const runner = new HandRunner(system);
    await runner.report();
    const [lease] = await runner.lease();
    const waiting = system.send("GET", `/v1/runs/${id}/result?wait=20s`);
    const error = {
      code: "TASK_FAILED",
      kind: "user",
      retryable: false,
      name: "TypeError",
      message: "no",
    } as const;
    await runner.finish(lease?.lease ?? "", { ok: false, error });
    const result = await json<RunResult>(waiting, 200);
    expect(result).toMatchObject({ phase: "failed", outcome: { ok: false, error: { message: "no" } } });
  });

  test.each(["", "/result", "/actions", "/actions/counts", "/actions/a0", "/events", "/logs"])(
    "answers 404 for %s of a run that is not there",
    async (path) => {
      const problem = await json<Problem>(system.send("GET", `/v1/runs/rx${path}`), 404);
      expect(problem).toMatchObject({ code: "RUN_NOT_FOUND", instance: `/v1/runs/rx${path}` });
    },
  );
});

describe("ending and repeating a run", () => {
  test("aborts a run, once or twice", async () => {
    const { id } = await start();
    for (const body of [{ reason: "test" }, {}]) {
      expect(await json(system.send("POST", `/v1/runs/${id}/abort`, body), 200)).toEqual({
        phase: "aborted",
      });
    }
    const bare = await system.app.request(`/v1/runs/${id}/abort`, { method: "POST" });
    expect(await json(bare, 200)).toEqual({ phase: "aborted" });
  });

  test("reruns with the old input, or with a new one that is checked", async () => {
    const old = await start({ labels: { team: "search" } });
    const rerun = (body: unknown, status: number): Promise<StartedRun & Problem> =>
      json(system.send("POST", `/v1/runs/${old.id}/rerun`, body), status);
    const again = await rerun({}, 202);
    expect(again).toMatchObject({ labels: { team: "search" }, origin: { run: old.id, kind: "rerun" } });
    const recovered = await rerun(
      { recover: true, force: ["hello.b"], changedOnly: true, input: { x: 2 } },
      202,
    );
    expect(recovered.origin).toEqual({ run: old.id, kind: "recover", force: ["hello.b"], changedOnly: true });
    expect((await rerun({ input: { x: "2" } }, 422)).code).toBe("INPUT_INVALID");
    expect((await rerun({ recover: true, fork: "d1" }, 400)).code).toBe("INVALID_REQUEST");
    expect((await rerun({ fork: "d9" }, 404)).code).toBe("DEPLOYMENT_NOT_FOUND");
    await deploy(system, { id: "d2" });
    expect(await rerun({ fork: "d2" }, 202)).toMatchObject({ deployment: "d2", origin: { kind: "fork" } });
    const runner = new HandRunner(system);
    await runner.report();
    expect((await runner.lease()).map(({ input }) => input).sort()).toEqual([
      '{"x":1}',
      '{"x":1}',
      '{"x":1}',
      '{"x":2}',
    ]);
  });
});
