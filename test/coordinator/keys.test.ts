import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CreatedKey, KeyView, ListPage, Problem } from "../../src/client/api.ts";
import { GodwitClient } from "../../src/client/client.ts";
import { parseApiKey } from "../../src/coordinator/auth/api-key.ts";
import { json, keyFor, openSystem, type System } from "./system.ts";

let system: System;
let nowMs: number;
let admin: Record<string, string>;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  system = await openSystem({ auth: { mode: "keys" }, now: () => nowMs });
  admin = await keyFor(system, ["admin"]);
});
afterEach(() => system.close());

const bearer = (key: string): Record<string, string> => ({ Authorization: `Bearer ${key}` });
const body = { name: "ci", scopes: ["runs:read"] } as const;
const create = (
  more: object = {},
  headers = admin,
  idempotency: Record<string, string> = {},
): Promise<Response> => system.send("POST", "/v1/keys", { ...body, ...more }, { ...headers, ...idempotency });
const isLetIn = async (key: string): Promise<boolean> =>
  (await system.send("GET", "/v1/runs", undefined, bearer(key))).status === 200;

describe("an API key", () => {
  test("is shown once, listed without its secret, and revoked", async () => {
    const reply = await create({ expiresMs: nowMs + 60_000 });
    expect(reply.headers.get("Cache-Control")).toBe("no-store");
    const made = await json<CreatedKey>(reply, 201);
    expect(await isLetIn(made.key)).toBe(true);
    const list = await json<ListPage<KeyView>>(system.send("GET", "/v1/keys", undefined, admin), 200);
    expect(list.data.find(({ id }) => id === made.id)).toEqual({
      ...body,
      id: made.id,
      project: null,
      createdMs: nowMs,
      expiresMs: nowMs + 60_000,
      lastUsedMs: nowMs,
      revokedMs: null,
    });
    expect(JSON.stringify(list)).not.toContain(parseApiKey(made.key)?.secret);
    for (let times = 0; times < 2; times++) {
      expect((await system.send("DELETE", `/v1/keys/${made.id}`, undefined, admin)).status).toBe(204);
    }
    expect(await isLetIn(made.key)).toBe(false);
    await json(system.send("DELETE", "/v1/keys/nothing", undefined, admin), 404);
  });

  test("asked for again by the same request is the same key with another secret, which is stored nowhere", async () => {
    const once = { "Idempotency-Key": "k1" };
    const first = await json<CreatedKey>(create({}, admin, once), 201);
    const second = await json<CreatedKey>(create({}, admin, once), 201);
    expect(second).toEqual({ ...first, key: expect.any(String) });
    expect([await isLetIn(first.key), await isLetIn(second.key)]).toEqual([false, true]);
    const kept = await system.core.driver.read((sql) => sql.all("SELECT * FROM idempotency"));
    expect(kept).toHaveLength(1);
    expect(JSON.stringify(kept)).not.toContain("gw_live_");
    await json(create({ name: "other" }, admin, once), 422);
    const { data } = await json<ListPage<KeyView>>(system.send("GET", "/v1/keys", undefined, admin), 200);
    expect(data).toHaveLength(2);
  });

  test("is of the project of whoever makes it", async () => {
    const other = await keyFor(system, ["admin"], { project: "other" });
    const made = await json<CreatedKey>(create({}, other), 201);
    expect(made.project).toBe("other");
    await json(create({ project: "default" }, other), 403);
    const global = await json<CreatedKey>(create(), 201);
    const { data } = await json<ListPage<KeyView>>(system.send("GET", "/v1/keys", undefined, other), 200);
    expect(data.map(({ project }) => project)).toEqual(["other", "other"]);
    await json(system.send("DELETE", `/v1/keys/${global.id}`, undefined, other), 404);
    expect((await system.send("DELETE", `/v1/keys/${made.id}`, undefined, other)).status).toBe(204);
    expect((await system.send("DELETE", `/v1/keys/${global.id}`, undefined, admin)).status).toBe(204);
  });

  test.each([
    [{ scopes: [] }, "/scopes"],
    [{ scopes: ["all"] }, "/scopes/0"],
    [{ name: "" }, "/name"],
    [{ project: "../x" }, "/project"],
  ])("cannot be %j", async (more, pointer) => {
    const problem = await json<Problem>(create(more), 400);
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer);
  });

  test("cannot have expired already", async () => {
    expect((await json<Problem>(create({ expiresMs: nowMs }), 400)).detail).toContain("past");
  });

  test("is managed by the client too, page by page", async () => {
    const fetch: typeof globalThis.fetch = async (input, init) => system.app.request(input as string, init);
    const token = admin["Authorization"]?.slice("Bearer ".length);
    const client = new GodwitClient({ endpoint: "http://localhost", token, fetch });
    const made = await client.createKey(body);
    const first = await client.listKeys({ limit: 1 });
    const second = await client.listKeys({ limit: 1, cursor: first.nextCursor ?? "" });
    expect([...first.data, ...second.data].map(({ id }) => id)).toContain(made.id);
    expect(second.nextCursor).toBeNull();
    await client.deleteKey(made.id);
    expect(await isLetIn(made.key)).toBe(false);
  });
});
