import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type {
  ActionCounts,
  ActionDetail,
  ActionSummary,
  CacheEntryView,
  ConditionView,
  ListPage,
  LogChunkView,
  Problem,
} from "../../src/client/api.ts";
import type { CallReport } from "../../src/core/protocol.ts";
import { deploy, HandRunner, json, OK, openSystem, type System } from "./system.ts";

let system: System;
let runner: HandRunner;
let run: string;
let root: string;

beforeEach(async () => {
  system = await openSystem();
  await deploy(system);
  runner = new HandRunner(system);
  await runner.report();
  ({ id: run } = await json<{ id: string }>(system.send("POST", "/v1/runs", { task: "hello.free" }), 202));
  root = (await runner.lease())[0]?.lease ?? "";
});
afterEach(() => system.close());

const call = (id: string, more: Partial<CallReport> = {}): CallReport => ({
  lease: root,
  id,
  kind: "task",
  task: "hello.step",
  input: "1",
  ...more,
});

describe("actions", () => {
  test("are listed by call, filtered, and paged", async () => {
    await runner.report({ calls: ["a", "b", "c"].map((id) => call(id)) });
    await runner.report({ calls: [call("d", { task: "hello.other" })] });
    const list = (query: string): Promise<ListPage<ActionSummary>> =>
      json(system.send("GET", `/v1/runs/${run}/actions?${query}`), 200);
    expect((await list("")).data.map(({ id }) => id)).toEqual(["a0", "a", "b", "c", "d"]);
    const first = await list("parent=a0&limit=2");
    expect(first.data).toMatchObject([{ id: "a", ordinal: 2, parent: "a0", phase: "queued" }, { id: "b" }]);
    expect((await list(`parent=a0&limit=2&cursor=${first.nextCursor}`)).data.map(({ id }) => id)).toEqual([
      "c",
      "d",
    ]);
    expect((await list("task=hello.other")).data.map(({ id }) => id)).toEqual(["d"]);
    expect((await list("phase=running")).data.map(({ id }) => id)).toEqual(["a0"]);
    const other = await json<Problem>(
      system.send("GET", `/v1/runs/${run}/actions?cursor=${first.nextCursor}`),
      400,
    );
    expect(other.code).toBe("INVALID_CURSOR");
  });

  test("are counted by parent, task and phase", async () => {
    await runner.report({ calls: ["a", "b"].map((id) => call(id)) });
    const counts = (query: string): Promise<ActionCounts> =>
      json(system.send("GET", `/v1/runs/${run}/actions/counts?${query}`), 200);
    expect((await counts("")).data).toEqual(
      expect.arrayContaining([
        { parent: null, task: "hello.free", phase: "running", count: 1 },
        { parent: "a0", task: "hello.step", phase: "queued", count: 2 },
      ]),
    );
    expect(await counts("by=phase&parent=a0")).toEqual({
      data: [{ phase: "queued", count: 2 }],
      isTruncated: false,
    });
    expect(
      (await json<Problem>(system.send("GET", `/v1/runs/${run}/actions/counts?by=color`), 400)).code,
    ).toBe("INVALID_REQUEST");
  });

  test("show every attempt", async () => {
    await runner.report({ calls: [call("a", { options: { retries: { count: 1 } } })] });
    const error = {
      code: "TASK_FAILED",
      kind: "user",
      retryable: true,
      name: "Error",
      message: "once",
    } as const;
    await runner.finish((await runner.lease())[0]?.lease ?? "", { ok: false, error });
    const [again] = await runner.lease();
    const get = (): Promise<ActionDetail> => json(system.send("GET", `/v1/runs/${run}/actions/a`), 200);
    expect((await get()).attempts).toMatchObject([
      { attempt: 1, runner: "runner-1", end: "user", error: { message: "once" } },
      { attempt: 2, runner: "runner-1", end: null },
    ]);
    await runner.finish(again?.lease ?? "", OK);
    expect(await get()).toMatchObject({
      phase: "succeeded",
      input: 1,
      outcome: { ok: true, value: 42 },
      options: { retries: { count: 1 } },
      attempts: [{ end: "user" }, { attempt: 2, end: "succeeded", error: null }],
    });
    expect((await json<Problem>(system.send("GET", `/v1/runs/${run}/actions/zz`), 404)).code).toBe(
      "ACTION_NOT_FOUND",
    );
  });

  test("are aborted one by one", async () => {
    await runner.report({ calls: [call("a"), call("b")] });
    const abort = (id: string): Promise<Response> =>
      system.send("POST", `/v1/runs/${run}/actions/${id}/abort`, {});
    expect(await json(abort("a"), 200)).toEqual({ phase: "aborted" });
    expect((await json<Problem>(abort("zz"), 404)).code).toBe("ACTION_NOT_FOUND");
    const { data } = await json<ListPage<ActionSummary>>(
      system.send("GET", `/v1/runs/${run}/actions?phase=aborted`),
      200,
    );
    expect(data).toMatchObject([
      { id: "a", error: { code: "ABORTED", message: expect.stringContaining("asked for") } },
    ]);
  });
});

describe("logs", () => {
  const lines = (...texts: string[]) =>
    texts.map((text) => ({ atMs: 1, level: "info", stream: "log", text }) as const);

  test("are paged by action and attempt", async () => {
    await runner.report({ calls: [call("a")] });
    const [child] = await runner.lease();
    await runner.report({ logs: [{ lease: root, lines: lines("one", "two") }] });
    await runner.report({
      logs: [
        { lease: root, lines: lines("three") },
        { lease: child?.lease ?? "", lines: lines("four") },
      ],
    });
    const list = (query: string): Promise<ListPage<LogChunkView>> =>
      json(system.send("GET", `/v1/runs/${run}/logs?${query}`), 200);
    const texts = ({ data }: ListPage<LogChunkView>): string[] =>
      data.flatMap((chunk) => chunk.lines.map(({ text }) => text));
    const first = await list("action=a0&limit=1");
    expect(texts(first)).toEqual(["one", "two"]);
    const second = await list(`action=a0&limit=1&cursor=${first.nextCursor}`);
    expect(texts(second)).toEqual(["three"]);
    expect(second.nextCursor).toBeNull();
    expect(texts(await list(""))).toEqual(["one", "two", "three", "four"]);
    expect(texts(await list("attempt=2"))).toEqual([]);
  });

  test("are followed until the run has ended", async () => {
    await runner.report({ logs: [{ lease: root, lines: lines("one") }] });
    const reply = await system.send("GET", `/v1/runs/${run}/logs`, undefined, {
      Accept: "text/event-stream",
    });
    const text = reply.text();
    await runner.report({ logs: [{ lease: root, lines: lines("two") }] });
    await runner.finish(root, OK);
    const got = await text;
    expect([...got.matchAll(/"text":"(\w+)"/g)].map((match) => match[1])).toEqual(["one", "two"]);
    expect(got).toMatch(/event: end\ndata: \{\}\n\n$/);
    const again = await system.send("GET", `/v1/runs/${run}/logs`, undefined, {
      Accept: "text/event-stream",
      "Last-Event-ID": "1",
    });
    const rest = await again.text();
    expect([...rest.matchAll(/"text":"(\w+)"/g)].map((match) => match[1])).toEqual(["two"]);
  });
});

describe("conditions", () => {
  const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
  const signal = (name: string, body: unknown): Promise<Response> =>
    system.send("POST", `/v1/runs/${run}/conditions/${name}/signal`, body);

  beforeEach(async () => {
    const spec = { name: "release", prompt: "Release?", schema, timeoutMs: null };
    await runner.report({
      calls: [call("c1", { kind: "condition", task: "release", options: { condition: spec } })],
    });
  });

  test("are listed until they are answered", async () => {
    const list = (): Promise<ListPage<ConditionView>> =>
      json(system.send("GET", `/v1/conditions?run=${run}`), 200);
    expect((await list()).data).toMatchObject([
      { run, action: "c1", name: "release", prompt: "Release?", schema },
    ]);
    expect(await json(signal("release", { value: { ok: true }, by: "ana" }), 200)).toEqual({
      run,
      action: "c1",
    });
    expect((await list()).data).toEqual([]);
  });

  test("are paged", async () => {
    const spec = { name: "second", prompt: null, schema: null, timeoutMs: null };
    await runner.report({
      calls: [call("c2", { kind: "condition", task: "second", options: { condition: spec } })],
    });
    const first = await json<ListPage<ConditionView>>(system.send("GET", "/v1/conditions?limit=1"), 200);
    const next = system.send("GET", `/v1/conditions?limit=1&cursor=${first.nextCursor}`);
    const names = [...first.data, ...(await json<ListPage<ConditionView>>(next, 200)).data].map(
      ({ name }) => name,
    );
    expect(names).toEqual(["release", "second"]);
  });

  test("take the same answer again, and no other", async () => {
    for (const name of ["release", "c1"]) await json(signal(name, { value: { ok: true } }), 200);
    expect((await json<Problem>(signal("release", { value: { ok: false } }), 409)).code).toBe(
      "CONDITION_CONFLICT",
    );
  });

  test("refuse what their schema refuses", async () => {
    const problem = await json<Problem>(signal("release", { value: { ok: "yes" } }), 422);
    expect(problem).toMatchObject({ code: "INPUT_INVALID", errors: [{ pointer: "/ok" }] });
    expect((await json<Problem>(signal("nope", { value: 1 }), 404)).code).toBe("CONDITION_NOT_FOUND");
    expect((await json<Problem>(signal("release", { answer: 1 }), 400)).code).toBe("INVALID_REQUEST");
  });
});

describe("the cache", () => {
  test("is listed and cleared", async () => {
    const cache = { mode: "override", version: "1" } as const;
    await runner.report({ calls: [call("a", { options: { cache } })] });
    await runner.finish((await runner.lease())[0]?.lease ?? "", OK);
    const list = (query = ""): Promise<ListPage<CacheEntryView>> =>
      json(system.send("GET", `/v1/cache${query}`), 200);
    const [entry] = (await list()).data;
    expect(entry).toMatchObject({ task: "hello.step", run, action: "a", project: "default" });
    expect((await list("?task=other")).data).toEqual([]);
    expect((await list("?project=other")).data).toEqual([]);
    const remove = (): Promise<Response> => system.send("DELETE", `/v1/cache/${entry?.key}`);
    expect((await remove()).status).toBe(204);
    expect((await json<Problem>(remove(), 404)).code).toBe("NOT_FOUND");
    expect((await list()).data).toEqual([]);
  });
});
