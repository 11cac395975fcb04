import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Problem } from "../../src/client/api.ts";
import { json, openSystem, type System } from "./system.ts";

let system: System;
beforeEach(async () => {
  system = await openSystem({ version: "1.2.3" });
});
afterEach(() => system.close());

describe("an error", () => {
  test("is a problem document", async () => {
    const reply = await system.send("GET", "/v1/runs/rx", undefined, { "X-Request-Id": "abc-1" });
    expect(reply.headers.get("Content-Type")).toBe("application/problem+json");
    expect(reply.headers.get("X-Request-Id")).toBe("abc-1");
    expect(await json(reply, 404)).toEqual({
      type: "/docs/reference/errors.md#run_not_found",
      title: "There is no such run",
      status: 404,
      detail: 'no run "rx"',
      instance: "/v1/runs/rx",
      code: "RUN_NOT_FOUND",
      hint: "List recent runs with `godwit get run`.",
      requestId: "abc-1",
    });
  });

  test("that nobody expected says nothing about the server", async () => {
    const boom = new Error("SELECT secret FROM /etc/passwd");
    system.core.driver.read = () => Promise.reject(boom);
    const problem = await json<Problem>(system.send("GET", "/v1/runs"), 500);
    expect(problem).toMatchObject({ code: "INTERNAL", detail: "Something went wrong inside Godwit." });
    expect(JSON.stringify(problem)).not.toContain("passwd");
    expect(system.logs).toMatchObject([{ level: "error", requestId: problem.requestId, error: boom }]);
  });

  test("is 404 for an address that is not there, and 405 with what it takes for a method", async () => {
    expect((await json<Problem>(system.send("GET", "/v1/nothing"), 404)).code).toBe("NOT_FOUND");
    expect((await json<Problem>(system.send("GET", "/"), 404)).code).toBe("NOT_FOUND");
    const reply = await system.send("PATCH", "/v1/runs");
    expect(reply.headers.get("Allow")).toBe("POST, GET, HEAD");
    expect((await json<Problem>(reply, 405)).code).toBe("METHOD_NOT_ALLOWED");
    const missing = await system.send("GET", "/v1/runs/rx");
    expect((await json<Problem>(missing, 404)).code).toBe("RUN_NOT_FOUND");
  });
});

describe("health", () => {
  test("is the process's, and readiness the store's too", async () => {
    expect(await json(system.send("GET", "/healthz"), 200)).toEqual({ status: "ok" });
    expect(await json(system.send("GET", "/readyz"), 200)).toEqual({ status: "ok" });
    system.core.driver.read = () => Promise.reject(new Error("gone"));
    expect(await json(system.send("GET", "/healthz"), 200)).toEqual({ status: "ok" });
    expect((await json<Problem>(system.send("GET", "/readyz"), 503)).code).toBe("STORE_UNAVAILABLE");
  });
});

interface Operation {
  readonly summary?: string;
  readonly security?: readonly Record<string, readonly string[]>[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Record<string, unknown>;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: Record<string, Record<string, unknown>>;
}

describe("the OpenAPI document", () => {
  const read = (): Promise<Document> => json(system.send("GET", "/openapi.json"), 200);

  test("lists every public route and no internal one", async () => {
    const { openapi, info, paths } = await read();
    expect([openapi, info.version]).toEqual(["3.1.0", "1.2.3"]);
    const documented = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = system.app.routes
      .filter(
        ({ method, path }) => method !== "ALL" && !path.startsWith("/internal/") && path !== "/openapi.json",
      )
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(documented.sort()).toEqual([...new Set(served)].sort());
  });

  test("refers only to what is in it, and describes every parameter of a path", async () => {
    const document = await read();
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      (match) => match[1] ?? "",
    );
    expect(references.length).toBeGreaterThan(20);
    for (const reference of new Set(references)) {
      const found = reference
        .split("/")
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
      expect([reference, found !== undefined]).toEqual([reference, true]);
    }
    for (const [path, operations] of Object.entries(document.paths)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      for (const { parameters = [], summary, responses } of Object.values(operations)) {
        const described = parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name);
        expect([path, described]).toEqual([path, names]);
        expect(summary).toBeTypeOf("string");
        expect(Object.keys(responses).length).toBeGreaterThan(0);
      }
    }
  });

  test("says which scope each route needs, and that every POST takes an idempotency key", async () => {
    const { paths } = await read();
    for (const [path, operations] of Object.entries(paths)) {
      if (!path.startsWith("/v1/")) continue;
      for (const [method, { security, parameters = [] }] of Object.entries(operations)) {
        expect([path, security?.[0]?.["apiKey"]?.length]).toEqual([path, 1]);
        const hasKey = parameters.some(({ name }) => name === "Idempotency-Key");
        expect([method, path, hasKey]).toEqual([method, path, method === "post"]);
      }
    }
  });
});
