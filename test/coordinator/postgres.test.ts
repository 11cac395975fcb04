import { afterAll, beforeAll, expect, test } from "vitest";
import type { ListPage } from "../../src/client/api.ts";
import { issueRunnerToken } from "../../src/coordinator/auth/runner-token.ts";
import { openStore } from "../../src/store/open.ts";
import { postgresDatabase } from "../setup/postgres-database.ts";
import { deploy, HandRunner, json, keyFor, OK, openSystem, SIGNING_KEY, type System } from "./system.ts";

const database = postgresDatabase();
let system: System;
let headers: Record<string, string>;

beforeAll(async () => {
  system = await openSystem({ driver: await openStore(database.url), auth: { mode: "keys" } });
  headers = await keyFor(system, ["admin"], { project: "default" });
});
afterAll(() => system?.close());

const get = <Body>(path: string): Promise<Body> => json(system.send("GET", path, undefined, headers), 200);

/** All items of a list, one by one. */
async function walk(path: string): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const page: ListPage<Record<string, unknown>> = await get(
      `${path}${path.includes("?") ? "&" : "?"}limit=1${query}`,
    );
    items.push(...page.data);
    cursor = page.nextCursor;
  }
  return items;
}

test("answers every list, count, key and idempotent request on PostgreSQL", async () => {
  await deploy(system);
  await deploy(system, { id: "d2", domain: "production" });
  const start = (body: object): Promise<{ id: string }> =>
    json(system.send("POST", "/v1/runs", body, { ...headers, "Idempotency-Key": "k1" }), 202);
  const body = { task: "hello.free", labels: { team: "search" } };
  const { id } = await start(body);
  expect((await start(body)).id).toBe(id);
  await json(system.send("POST", "/v1/runs", { task: "hello.free", domain: "production" }, headers), 202);

  const options = { subject: "runner-1", pools: ["*"], id: "t", nowMs: Date.now(), ttlMs: 60_000 };
  const token = { Authorization: `Bearer ${await issueRunnerToken(SIGNING_KEY, options)}` };
  const runner = new HandRunner(system, "runner-1", token);
  await runner.report();
  const leases = await runner.lease();
  const lease = leases.find(({ run }) => run === id)?.lease ?? "";
  const condition = { name: "c", prompt: null, schema: null, timeoutMs: null };
  const cache = { mode: "override", version: "1" } as const;
  const line = { atMs: 1, level: "info", stream: "log", text: "hi" } as const;
  await runner.report({
    calls: [
      { lease, id: "c1", kind: "condition", task: "c", input: "1", options: { condition } },
      { lease, id: "c2", kind: "condition", task: "c", input: "2", options: { condition } },
      { lease, id: "k1", kind: "task", task: "hello.k", input: "1", options: { cache } },
    ],
    logs: [{ lease, lines: [line] }],
  });
  await runner.report({ logs: [{ lease, lines: [line] }] });
  await runner.finish((await runner.lease())[0]?.lease ?? "", OK);

  expect(await walk("/v1/runs")).toHaveLength(2);
  expect(await walk("/v1/runs?label=team=search&phase=running&task=hello.free&order=asc")).toMatchObject([
    { id },
  ]);
  expect(await walk(`/v1/runs?origin=${id}`)).toEqual([]);
  expect((await walk(`/v1/runs/${id}/actions`)).map((action) => action["id"])).toEqual([
    "a0",
    "c1",
    "c2",
    "k1",
  ]);
  expect(await walk(`/v1/runs/${id}/actions?parent=a0&phase=paused&task=c`)).toHaveLength(2);
  expect(await get(`/v1/runs/${id}/actions/counts?by=phase`)).toMatchObject({
    data: [
      { phase: "paused", count: 2 },
      { phase: "running", count: 1 },
      { phase: "succeeded", count: 1 },
    ],
  });
  expect(await get(`/v1/runs/${id}/actions/k1`)).toMatchObject({ outcome: { ok: true, value: 42 } });
  expect(await walk(`/v1/runs/${id}/logs?action=a0&attempt=1`)).toMatchObject([{ seq: 1 }, { seq: 2 }]);
  expect(await walk(`/v1/conditions?run=${id}&domain=development`)).toHaveLength(2);
  expect((await walk("/v1/tasks")).map((task) => task["name"])).toEqual(["hello.free", "hello.main"]);
  expect(await walk("/v1/deployments")).toMatchObject([{ id: "d1" }]);
  expect(await get("/v1/tasks/hello.main?domain=production")).toMatchObject({ deployment: "d2" });
  const [entry] = await walk("/v1/cache?task=hello.k");
  expect((await system.send("DELETE", `/v1/cache/${entry?.["key"]}`, undefined, headers)).status).toBe(204);

  const stream = await system.send("GET", `/v1/runs/${id}/logs`, undefined, {
    ...headers,
    Accept: "text/event-stream",
  });
  const text = stream.text();
  await runner.finish(lease, OK);
  expect((await text).match(/event: log/g)).toHaveLength(2);
});
