import { hash } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ListPage, Problem, RunSummary, StartedRun } from "../../src/client/api.ts";
import { insertIdempotency } from "../../src/store/idempotency.ts";
import { deploy, json, keyFor, openSystem, type System } from "./system.ts";

let system: System;
let nowMs: number;
beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  system = await openSystem({ now: () => nowMs });
  await deploy(system);
});
afterEach(() => system.close());

const start = (key: string, body: unknown = { task: "hello.free" }): Promise<Response> =>
  system.send("POST", "/v1/runs", body, { "Idempotency-Key": key });

const runIds = async (): Promise<string[]> =>
  (await json<ListPage<RunSummary>>(system.send("GET", "/v1/runs"), 200)).data.map(({ id }) => id);

test("answers the same request with the stored reply", async () => {
  const first = await start("k1");
  const again = await start("k1");
  expect(again.headers.get("Idempotency-Replayed")).toBe("true");
  expect(again.headers.get("Location")).toBe(first.headers.get("Location"));
  expect(await json(again, 202)).toEqual(await json(first, 202));
  expect(await runIds()).toHaveLength(1);
});

test("starts one run however many ask at once", async () => {
  const replies = await Promise.all(Array.from({ length: 8 }, () => start("k1")));
  const statuses = replies.map(({ status }) => status);
  expect(statuses.every((status) => status === 202 || status === 409)).toBe(true);
  expect(await runIds()).toHaveLength(1);
});

test("refuses another request with the same key", async () => {
  await start("k1");
  expect((await json<Problem>(start("k1", { task: "hello.free", priority: 1 }), 422)).code).toBe(
    "IDEMPOTENCY_KEY_REUSED",
  );
});

test("keeps no reply that says that nothing was done", async () => {
  await json(start("k1", { task: "hello.main", input: { x: "1" } }), 422);
  await json(start("k1", { task: "hello.main", input: { x: 1 } }), 202);
});

test("forgets a reply after a day", async () => {
  await start("k1");
  nowMs += 25 * 3_600_000;
  await json(start("k1"), 202);
  expect(await runIds()).toHaveLength(2);
});

test("keeps the keys of different callers apart", async () => {
  const closed = await openSystem({ auth: { mode: "keys" } });
  const callers = [await keyFor(closed, ["admin"]), await keyFor(closed, ["admin"])];
  await deploy(closed);
  const ids = await Promise.all(
    callers.map(async (headers) => {
      const reply = closed.send(
        "POST",
        "/v1/runs",
        { task: "hello.free" },
        { ...headers, "Idempotency-Key": "k1" },
      );
      return (await json<StartedRun>(reply, 202)).id;
    }),
  );
  expect(new Set(ids).size).toBe(2);
  await closed.close();
});

test("refuses while the first request goes on, and goes on with it when it was cut off", async () => {
  const body = JSON.stringify({ task: "hello.free" });
  const note = JSON.stringify({ runId: "0123", sinceMs: nowMs });
  await system.core.driver.transaction((sql) =>
    insertIdempotency(sql, {
      scope: "local",
      key: "k1",
      request_hash: hash("sha256", `POST /v1/runs\n${body}`, "base64url"),
      created_ms: nowMs,
      body: note,
    }),
  );
  const refused = await start("k1");
  expect(refused.headers.get("Retry-After")).toBe("1");
  expect((await json<Problem>(refused, 409)).code).toBe("IDEMPOTENCY_IN_PROGRESS");
  nowMs += 100_000;
  expect((await json<StartedRun>(start("k1"), 202)).id).toBe("r0123");
  expect(await runIds()).toEqual(["r0123"]);
});

test("starts no second run when the first request failed after it had started one", async () => {
  const { driver } = system.core;
  const read = driver.read.bind(driver);
  let failures = 0;
  // The run is durable, and reading it for the reply fails.
  driver.read = async (work) => {
    const ids = await read((sql) => sql.all<{ id: string }>("SELECT id FROM runs"));
    if (ids.length > 0 && failures++ === 0) throw new Error("the connection broke at /secret/path");
    return read(work);
  };
  const problem = await json<Problem>(start("k1"), 500);
  expect(problem).toMatchObject({ code: "INTERNAL", detail: expect.not.stringContaining("secret") });
  const { id } = await json<StartedRun>(start("k1"), 202);
  expect(await runIds()).toEqual([id]);
});

test("covers every POST", async () => {
  const { id } = await json<StartedRun>(start("k1"), 202);
  const abort = (): Promise<Response> =>
    system.send("POST", `/v1/runs/${id}/abort`, {}, { "Idempotency-Key": "k2" });
  await abort();
  expect((await abort()).headers.get("Idempotency-Replayed")).toBe("true");
  const reused = system.send("POST", `/v1/runs/${id}/rerun`, {}, { "Idempotency-Key": "k2" });
  expect((await json<Problem>(reused, 422)).code).toBe("IDEMPOTENCY_KEY_REUSED");
});

test.each(["with space", "x".repeat(256)])("refuses the key %s", async (key) => {
  expect((await json<Problem>(start(key), 400)).code).toBe("INVALID_REQUEST");
});
