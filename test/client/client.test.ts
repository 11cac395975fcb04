import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { GodwitClient } from "../../src/client/index.ts";
import { GodwitError } from "../../src/core/errors.ts";
import type { RunEvent } from "../../src/core/event.ts";
import { deploy, HandRunner, keyFor, OK, openSystem, type System } from "../coordinator/system.ts";
import { startServer, type TestServer } from "./server.ts";

let system: System;
let server: TestServer;
let client: GodwitClient;
let runner: HandRunner;

beforeEach(async () => {
  system = await openSystem({ limits: { beatMs: 20 } });
  server = await startServer((request) => system.app.fetch(request));
  client = new GodwitClient({ endpoint: `${server.endpoint}/` });
  await deploy(system);
  runner = new HandRunner(system);
  await runner.report();
});
afterEach(async () => {
  await server.kill();
  await system.close();
});

const leaseRoot = async (): Promise<string> => (await runner.lease())[0]?.lease ?? "";

describe("every method", () => {
  test("reads what its route answers", async () => {
    const run = await client.startRun({ task: "hello.main", input: { x: 1 }, labels: { team: "a" } });
    expect(
      (await client.listRuns({ label: ["team=a"], phase: ["queued", "running"], limit: 1 })).data,
    ).toHaveLength(1);
    const lease = await leaseRoot();
    const spec = { name: "a/b", prompt: null, schema: null, timeoutMs: null };
    const call = {
      lease,
      id: "c1",
      kind: "condition",
      task: "a/b",
      input: "1",
      options: { condition: spec },
    } as const;
    const lines = [{ atMs: 1, level: "info", stream: "log", text: "hi" }] as const;
    await runner.report({ calls: [call], logs: [{ lease, lines }] });
    expect((await client.getRun(run.id)).phase).toBe("running");
    expect((await client.listActions(run.id, { parent: "a0" })).data).toMatchObject([
      { id: "c1", phase: "paused" },
    ]);
    expect((await client.countActions(run.id, { by: ["phase"] })).data).toHaveLength(2);
    expect((await client.getAction(run.id, "a0")).input).toEqual({ x: 1 });
    expect((await client.listEvents(run.id, { after: 1, wait: 0 })).data[0]?.seq).toBe(2);
    expect((await client.listLogs(run.id)).data[0]?.lines).toEqual(lines);
    expect((await client.listConditions({ run: run.id })).data).toMatchObject([{ name: "a/b" }]);
    expect(await client.signal({ run: run.id, condition: "a/b" }, { value: 1 })).toEqual({
      run: run.id,
      action: "c1",
    });
    expect((await client.abortAction({ run: run.id, action: "c1" })).phase).toBe("succeeded");
    expect((await client.getResult(run.id)).outcome).toBeNull();
    expect(await client.abortRun(run.id, "enough")).toEqual({ phase: "aborted" });
    expect((await client.getResult(run.id, { wait: "1s" })).outcome).toMatchObject({ ok: false });
    expect((await client.rerun(run.id, { recover: true })).origin?.kind).toBe("recover");
    expect((await client.listTasks()).data).toHaveLength(2);
    expect((await client.getTask("hello.main")).options).toEqual({ retries: { count: 2 } });
    expect((await client.getDeployment("d1")).tasks).toHaveLength(2);
    expect((await client.listDeployments()).data).toHaveLength(1);
    expect((await client.listCache()).data).toEqual([]);
    await expect(client.deleteCacheEntry("nope")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await client.checkReady();
  });

  test("runs a task by its name, with its settings in the query", async () => {
    const settings = { version: "v1", name: "n", labels: { team: "a:b,c" }, priority: 3, wait: 0 };
    const { id, labels, priority } = await client.runTask("hello.main", { x: 1 }, settings);
    expect({ labels, priority }).toEqual({ labels: { name: "n", team: "a:b,c" }, priority: 3 });
    expect((await client.getAction(id, "a0")).input).toEqual({ x: 1 });
    expect((await client.runTask("hello.free")).outcome).toBeNull();
    await expect(client.runTask("hello.main", { x: "1" })).rejects.toMatchObject({ code: "INPUT_INVALID" });
    await expect(client.runTask("hello.gone")).rejects.toMatchObject({
      code: "TASK_NOT_FOUND",
      hint: "It has hello.free, hello.main.",
    });
    expect(() => client.runTask("hello.free", 1, { labels: { "a:b": "c" } })).toThrow("has a colon");
  });

  test("gives runs page by page, as they are asked for", async () => {
    const labels = { suite: "pages" };
    const ids: string[] = [];
    for (let n = 0; n < 120; n++) ids.unshift((await client.runTask("hello.free", n, { labels })).id);
    const idsOf = async (limit?: number): Promise<string[]> => {
      const found: string[] = [];
      const query = { label: ["suite=pages"], ...(limit !== undefined && { limit }) };
      for await (const { id } of client.runs(query)) found.push(id);
      return found;
    };
    expect(await idsOf()).toEqual(ids);
    expect(await idsOf(110)).toEqual(ids.slice(0, 110));
    for await (const _ of client.runs({ task: "hello.none" })) throw new Error("there is none");
  });

  test("waits for the outcome when asked to", async () => {
    const waiting = client.startRun({ task: "hello.free" }, { wait: "20s" });
    let lease = "";
    // The database answers at once, so a loop without a pause would keep the request from arriving.
    for (; lease === ""; await new Promise(setImmediate)) lease = await leaseRoot();
    await runner.finish(lease, OK);
    expect((await waiting).outcome).toEqual({ ok: true, value: 42 });
  });
});

describe("errors", () => {
  test("come back by code, with the fields that are wrong", async () => {
    const error = await client
      .startRun({ task: "hello.main", input: { x: "1" } })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(GodwitError);
    expect(error).toMatchObject({ code: "INPUT_INVALID", details: { issues: [{ pointer: "/x" }] } });
    await expect(client.getRun("rx")).rejects.toMatchObject({
      code: "RUN_NOT_FOUND",
      message: 'no run "rx"',
    });
  });

  test("tell that nobody is there, and what to do", async () => {
    await server.kill();
    const error = await client.checkReady().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "ENDPOINT_UNREACHABLE",
      message: `${server.endpoint} cannot be reached: connect ECONNREFUSED ${server.endpoint.replace("http://", "")}`,
      hint: expect.stringContaining("godwit dev"),
    });
    await server.start();
  });

  test("tell that somebody else is there", async () => {
    const other = await startServer(() => new Response("<h1>Welcome</h1>"));
    const lost = new GodwitClient({ endpoint: other.endpoint });
    await expect(lost.getRun("r")).rejects.toMatchObject({
      code: "ENDPOINT_UNREACHABLE",
      message: expect.stringContaining("<h1>Welcome"),
    });
    await other.kill();
  });

  test("end the call when its signal fires", async () => {
    const { id } = await client.startRun({ task: "hello.free" });
    const stop = new AbortController();
    const waiting = client.getResult(id, { wait: "20s", signal: stop.signal });
    setTimeout(() => stop.abort(new Error("enough")), 20);
    await expect(waiting).rejects.toThrow("enough");
  });
});

describe("a request", () => {
  test("starts one run although its reply was lost", async () => {
    let lost = 0;
    const flaky = new GodwitClient({
      endpoint: server.endpoint,
      fetch: async (...request) => {
        const reply = await fetch(...request);
        if (lost++ > 0) return reply;
        await reply.body?.cancel();
        throw new TypeError("fetch failed");
      },
    });
    const { id } = await flaky.startRun({ task: "hello.free" });
    expect(lost).toBe(2);
    expect((await client.listRuns()).data.map((run) => run.id)).toEqual([id]);
  });

  test("carries its key", async () => {
    const closed = await openSystem({ auth: { mode: "keys" } });
    const keyed = await startServer((request) => closed.app.fetch(request));
    const token = (await keyFor(closed, ["runs:read"]))["Authorization"]?.slice("Bearer ".length) ?? "";
    const reader = new GodwitClient({ endpoint: keyed.endpoint, token });
    expect((await reader.listRuns()).data).toEqual([]);
    await expect(reader.startRun({ task: "x" })).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(new GodwitClient({ endpoint: keyed.endpoint }).listRuns()).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
    await keyed.kill();
    await closed.close();
  });
});

describe("events", () => {
  test("go on where they were when the server comes back", async () => {
    const { id } = await client.startRun({ task: "hello.free" });
    const seen: RunEvent[] = [];
    let reconnects = 0;
    const done = (async () => {
      for await (const event of client.events(id, { onReconnect: () => reconnects++ })) seen.push(event);
    })();
    await until(() => seen.length === 2);
    const lease = await leaseRoot();
    await until(() => seen.length === 4);
    await server.kill();
    await runner.finish(lease, OK);
    await until(() => reconnects > 0);
    await server.start();
    await done;
    expect(seen.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(reconnects).toBeGreaterThan(0);
  });

  test("end at once when there are none after the last", async () => {
    const { id } = await client.startRun({ task: "hello.free" });
    await runner.finish(await leaseRoot(), OK);
    const seen: RunEvent[] = [];
    for await (const event of client.events(id, { after: 6 })) seen.push(event);
    for await (const event of client.events(id, { after: 4 })) seen.push(event);
    expect(seen.map(({ seq }) => seq)).toEqual([5, 6]);
  });

  test("reach over connections that the server limits", async () => {
    const short = await openSystem({ limits: { maxStreamMs: 30, beatMs: 10 } });
    const limited = await startServer((request) => short.app.fetch(request));
    const reader = new GodwitClient({ endpoint: limited.endpoint });
    await deploy(short);
    const { id } = await reader.startRun({ task: "hello.free" });
    const worker = new HandRunner(short);
    await worker.report();
    setTimeout(() => void worker.lease().then(([root]) => worker.finish(root?.lease ?? "", OK)), 120);
    const seen: number[] = [];
    for await (const { seq } of reader.events(id)) seen.push(seq);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    await limited.kill();
    await short.close();
  });

  test("stop when the reader does, or its signal fires", async () => {
    const { id } = await client.startRun({ task: "hello.free" });
    for await (const event of client.events(id)) if (event.seq === 2) break;
    const stop = new AbortController();
    const reading = (async () => {
      for await (const _ of client.events(id, { signal: stop.signal }));
    })();
    setTimeout(() => stop.abort(new Error("enough")), 30);
    await expect(reading).rejects.toThrow("enough");
  });

  test("say so when the run is not there", async () => {
    await expect(client.events("rx").next()).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });
});

describe("logs", () => {
  test("are given once although the server was away", async () => {
    const { id } = await client.startRun({ task: "hello.free" });
    const lease = await leaseRoot();
    const line = (text: string) => ({ atMs: 1, level: "info", stream: "log", text }) as const;
    await runner.report({ logs: [{ lease, lines: [line("one")] }] });
    const seen: string[] = [];
    const done = (async () => {
      for await (const { lines } of client.logs(id)) seen.push(...lines.map(({ text }) => text));
    })();
    await until(() => seen.length === 1);
    await server.kill();
    await server.start();
    await runner.report({ logs: [{ lease, lines: [line("two")] }] });
    await runner.finish(lease, OK);
    await done;
    expect(seen).toEqual(["one", "two"]);
  });
});

async function until(isDone: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !isDone(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(isDone()).toBe(true);
}
