import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ListPage, Problem, RunSummary } from "../../src/client/api.ts";
import { formatApiKey, parseApiKey, type Scope } from "../../src/coordinator/auth/api-key.ts";
import { createApiKey, verifyApiKey } from "../../src/coordinator/auth/api-keys.ts";
import { issueRunnerToken } from "../../src/coordinator/auth/runner-token.ts";
import { readApiKey, revokeApiKey } from "../../src/store/api-keys.ts";
import { type BlobFolder, openBlobFolder, sha256Of } from "./blob-folder.ts";
import { deploy, HandRunner, json, keyFor, openSystem, SIGNING_KEY, type System } from "./system.ts";

let system: System;
let blobs: BlobFolder;
let nowMs = Date.UTC(2026, 0, 1);
let run: string;
let cacheKey: string;
/** Id of a key that nobody needs. */
let spareKey: string;

beforeEach(async () => {
  blobs = await openBlobFolder(() => nowMs);
  system = await openSystem({ auth: { mode: "keys" }, now: () => nowMs, blobs: blobs.store });
  const admin = await keyFor(system, ["admin"]);
  await deploy(system);
  const token = await issueRunnerToken(SIGNING_KEY, {
    subject: "runner-1",
    pools: ["*"],
    id: "t1",
    nowMs,
    ttlMs: 60_000,
  });
  const runner = new HandRunner(system, "runner-1", { Authorization: `Bearer ${token}` });
  await runner.report();
  ({ id: run } = await json<{ id: string }>(
    system.send("POST", "/v1/runs", { task: "hello.free" }, admin),
    202,
  ));
  const lease = (await runner.lease())[0]?.lease ?? "";
  const spec = { name: "release", prompt: null, schema: null, timeoutMs: null };
  const cache = { mode: "override", version: "1" } as const;
  await runner.report({
    calls: [
      { lease, id: "c1", kind: "condition", task: "release", input: "null", options: { condition: spec } },
      { lease, id: "k1", kind: "task", task: "hello.k", input: "1", options: { cache } },
    ],
  });
  await runner.finish((await runner.lease())[0]?.lease ?? "", { ok: true, value: "1" });
  const entries = await json<ListPage<{ key: string }>>(
    system.send("GET", "/v1/cache", undefined, admin),
    200,
  );
  cacheKey = entries.data[0]?.key ?? "";
  const spare = { name: "spare", scopes: ["runs:read"], project: "default" } as const;
  spareKey = (await createApiKey(system.core, spare)).id;
});
afterEach(async () => {
  await system.close();
  await blobs.close();
});

interface Probe {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly scope: Scope;
}

/** A request to every public route that succeeds with the right key; `?project` counts where a route takes it. */
function probes(): Probe[] {
  const parts: Record<string, string> = {
    run,
    action: "a0",
    name: "release",
    task: "hello.main",
    id: "d1",
    key: cacheKey,
  };
  const idOf = (path: string): string => (path.startsWith("/v1/keys/") ? spareKey : "d1");
  const routes = system.app.routes.filter(({ method, path }) => method !== "ALL" && path.startsWith("/v1/"));
  const unique = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  // Aborting comes last: nothing can be answered in a run that has ended.
  const ordered = [...unique.values()].sort(
    (a, b) => Number(a.path.endsWith("/abort")) - Number(b.path.endsWith("/abort")),
  );
  return ordered.map(({ method, path }) => ({
    method,
    path: `${path.replaceAll(/:(\w+)/g, (_, name: string) => (name === "id" ? idOf(path) : (parts[name] ?? "")))}?project=default`,
    ...(method === "POST" && { body: bodyOf(path) }),
    scope: scopeOf(method, path),
  }));
}

function scopeOf(method: string, path: string): Scope {
  if (path.startsWith("/v1/keys")) return "admin";
  if (path === "/v1/runners") return "runners";
  if (method === "GET") return "runs:read";
  return path === "/v1/deployments" || path === "/v1/bundles" ? "tasks:deploy" : "runs:write";
}

function bodyOf(path: string): unknown {
  if (path === "/v1/keys") return { name: "made", scopes: ["runs:read"], project: "default" };
  if (path === "/v1/runners") return { project: "default" };
  if (path === "/v1/blobs") return { project: "default", requests: [PUT] };
  if (path === "/v1/bundles") return { sha256: sha256Of("code"), sizeBytes: 4 };
  if (path === "/v1/runs") return { task: "hello.free", project: "default" };
  if (path === "/v1/deployments") {
    return {
      project: "default",
      dryRun: true,
      environments: [{ name: "a", bundle: "c".repeat(64), tasks: [] }],
    };
  }
  if (path.endsWith("/:task/run")) return { x: 1 };
  return path.endsWith("/signal") ? { value: 1 } : {};
}

const PUT = { op: "put", key: "projects/default/a", sizeBytes: 1, sha256: sha256Of("a") } as const;

const ask = ({ method, path, body }: Probe, headers: Record<string, string>): Promise<Response> =>
  system.send(method, path, body, headers);

describe("every public route", () => {
  test("is covered", () => {
    expect(probes().map(({ method, path }) => `${method} ${path.split("/")[2]}`)).toEqual(
      expect.arrayContaining([
        "POST runs?project=default",
        "POST deployments?project=default",
        "DELETE cache",
        "DELETE keys",
        "GET conditions?project=default",
      ]),
    );
    expect(probes()).toHaveLength(29);
  });

  test("lets the right key in", async () => {
    for (const probe of probes()) {
      const reply = await ask(probe, await keyFor(system, [probe.scope], { project: "default" }));
      expect([probe.method, probe.path, reply.status < 300]).toEqual([probe.method, probe.path, true]);
      await reply.body?.cancel();
    }
  });

  test("refuses no key, a key that is none, and one that nobody made", async () => {
    const stranger = formatApiKey({ id: "a".repeat(12), secret: "b".repeat(32) });
    for (const probe of probes()) {
      for (const headers of [
        {},
        { Authorization: "Bearer x" },
        { Authorization: `Bearer ${stranger}` },
        { Authorization: "Basic abc" },
      ]) {
        const reply = await ask(probe, headers as Record<string, string>);
        expect(reply.headers.get("WWW-Authenticate")).toBe("Bearer");
        expect((await json<Problem>(reply, 401)).code).toBe("UNAUTHENTICATED");
      }
    }
  });

  test("refuses a known key with another secret", async () => {
    const { key } = await createApiKey(system.core, { name: "a", scopes: ["admin"] });
    const { id } = parseApiKey(key) ?? { id: "" };
    const forged = formatApiKey({ id, secret: "c".repeat(32) });
    for (const probe of probes()) {
      await json(ask(probe, { Authorization: `Bearer ${forged}` }), 401);
    }
  });

  test("refuses a key that has expired, and one that was revoked", async () => {
    const expired = await keyFor(system, ["admin"], { expiresMs: nowMs });
    const { key, id } = await createApiKey(system.core, { name: "a", scopes: ["admin"] });
    await system.core.driver.transaction((sql) => revokeApiKey(sql, id, nowMs));
    for (const probe of probes()) {
      expect((await json<Problem>(ask(probe, expired), 401)).detail).toContain("expired");
      expect((await json<Problem>(ask(probe, { Authorization: `Bearer ${key}` }), 401)).detail).toContain(
        "revoked",
      );
    }
  });

  test("refuses a key without the scope", async () => {
    const scopes: Scope[] = ["runs:read", "runs:write", "tasks:deploy"];
    for (const probe of probes()) {
      const headers = await keyFor(
        system,
        scopes.filter((scope) => scope !== probe.scope),
      );
      const problem = await json<Problem>(ask(probe, headers), 403);
      expect(problem.detail).toContain(`"${probe.scope}"`);
    }
  });

  test("refuses a key of another project", async () => {
    const headers = await keyFor(system, ["admin"], { project: "other" });
    for (const probe of probes()) {
      // Code belongs to no project: whoever knows its hash has it.
      if (probe.path.startsWith("/v1/bundles")) continue;
      const reply = await ask(probe, headers);
      expect([probe.path, [403, 404].includes(reply.status)]).toEqual([probe.path, true]);
      const bare = await ask({ ...probe, path: probe.path.replace("?project=default", "") }, headers);
      const text = await bare.text();
      expect(text).not.toContain("hello.free");
      if (!probe.path.includes("task")) expect(text).not.toContain(`"project":"default"`);
    }
  });
});

describe("a domain", () => {
  test("is separated from every other one, on every route that names one", async () => {
    const admin = await keyFor(system, ["admin"]);
    const lists = ["runs", "conditions", "cache", "tasks", "deployments"];
    for (const list of lists) {
      const read = async (domain: string): Promise<number> => {
        const path = `/v1/${list}?project=default&domain=${domain}`;
        const { data } = await json<ListPage<unknown>>(system.send("GET", path, undefined, admin), 200);
        return data.length;
      };
      expect([list, await read("development"), await read("production")]).toEqual([
        list,
        expect.any(Number),
        0,
      ]);
      expect([list, (await read("development")) > 0]).toEqual([list, true]);
    }
    await json(system.send("GET", "/v1/tasks/hello.main?domain=production", undefined, admin), 404);
    for (const more of [{}, { deployment: "d1" }]) {
      const body = { task: "hello.free", domain: "production", ...more };
      await json(system.send("POST", "/v1/runs", body, admin), 404);
    }
  });
});

describe("a key of one project", () => {
  test("sees and starts runs of its project only", async () => {
    const other = await keyFor(system, ["admin"], { project: "other" });
    await deploy(system, { id: "o1", project: "other" });
    const { id } = await json<{ id: string }>(
      system.send("POST", "/v1/runs", { task: "hello.free" }, other),
      202,
    );
    const list = await json<ListPage<RunSummary>>(system.send("GET", "/v1/runs", undefined, other), 200);
    expect(list.data).toMatchObject([{ id, project: "other", createdBy: "test" }]);
    const origin = { run, kind: "recover" };
    await json(system.send("POST", "/v1/runs", { task: "hello.free", origin }, other), 404);
    await json(system.send("POST", `/v1/runs/${id}/rerun`, { fork: "d1" }, other), 404);
    await json(system.send("POST", "/v1/runs", { task: "hello.free", deployment: "d1" }, other), 404);
    const admin = await keyFor(system, ["admin"]);
    const mixed = await json<Problem>(
      system.send("POST", "/v1/runs", { task: "hello.free", origin: { run: id, kind: "recover" } }, admin),
      400,
    );
    expect(mixed.detail).toContain("other");
  });
});

describe("keys", () => {
  test("say so when they are mistyped", () => {
    const key = formatApiKey({ id: "abcdefghijkl", secret: "m".repeat(32) });
    expect(key).toMatch(/^gw_live_[a-z2-7]{12}_[a-z2-7]{39}$/);
    expect(parseApiKey(key)).toEqual({ id: "abcdefghijkl", secret: "m".repeat(32) });
    for (let at = "gw_live_".length; at < key.length; at++) {
      const typo = key.slice(0, at) + (key[at] === "q" ? "r" : "q") + key.slice(at + 1);
      expect(parseApiKey(typo)).toBeNull();
    }
  });

  test("are stored as hashes, with the time of their last use", async () => {
    const { key, id } = await createApiKey(system.core, { name: "ci", scopes: ["runs:read"] });
    await verifyApiKey(system.core, key);
    const row = await system.core.driver.read((sql) => readApiKey(sql, id));
    expect(JSON.stringify(row)).not.toContain(parseApiKey(key)?.secret);
    expect(row).toMatchObject({ name: "ci", last_used_ms: nowMs });
    nowMs += 1_000;
    await verifyApiKey(system.core, key);
    expect((await system.core.driver.read((sql) => readApiKey(sql, id)))?.last_used_ms).toBe(nowMs - 1_000);
  });
});

describe("a server without keys", () => {
  test("refuses whoever is not on this machine", async () => {
    const open = await openSystem();
    const get = (headers: Record<string, string>, host = "localhost"): Promise<Response> =>
      open.send("GET", `http://${host}/v1/runs`, undefined, headers);
    await json(get({}), 200);
    await json(get({ Origin: "http://127.0.0.1:5173" }), 200);
    await json(get({ Host: "[::1]:4000" }), 200);
    for (const reply of [
      get({ Origin: "https://evil.example" }),
      get({ Host: "evil.example" }),
      get({}, "evil.example"),
      get({ Origin: "null" }),
    ]) {
      expect((await json<Problem>(reply, 403)).code).toBe("FORBIDDEN");
    }
    await open.close();
  });
});
