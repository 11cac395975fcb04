import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Problem } from "../../src/client/api.ts";
import { RateLimiter } from "../../src/coordinator/auth/rate-limit.ts";
import { json, keyFor, openSystem, type System } from "./system.ts";

let system: System;
let nowMs: number;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  const limits = { rate: { perSecond: 0.5, burst: 2 } };
  system = await openSystem({ auth: { mode: "keys" }, now: () => nowMs, limits });
});
afterEach(() => system.close());

describe("a caller", () => {
  test("that asks too often is told how long to wait", async () => {
    const headers = await keyFor(system, ["runs:read"]);
    const ask = (path = "/v1/runs"): Promise<Response> => system.send("GET", path, undefined, headers);
    const first = await ask();
    expect(first.status).toBe(200);
    expect(first.headers.get("RateLimit-Policy")).toBe('"requests";q=2;w=4');
    expect(first.headers.get("RateLimit")).toBe('"requests";r=1;t=2');
    // What is refused later counts too.
    expect((await ask("/v1/runs/nothing")).headers.get("RateLimit")).toBe('"requests";r=0;t=4');
    nowMs += 500;
    const refused = await ask();
    expect(refused.headers.get("Retry-After")).toBe("2");
    expect(refused.headers.get("RateLimit")).toBe('"requests";r=0;t=4');
    expect((await json<Problem>(refused, 429)).code).toBe("RATE_LIMITED");
    nowMs += 1_500;
    expect((await ask()).status).toBe(200);
    expect((await ask()).status).toBe(429);
    nowMs += 3_600_000;
    for (const status of [200, 200, 429]) expect((await ask()).status).toBe(status);
  });

  test("does not use up what another one has", async () => {
    const [one, other] = [await keyFor(system, ["runs:read"]), await keyFor(system, ["runs:read"])];
    for (const status of [200, 200, 429]) {
      expect((await system.send("GET", "/v1/runs", undefined, one)).status).toBe(status);
    }
    expect((await system.send("GET", "/v1/runs", undefined, other)).status).toBe(200);
    await json(system.send("GET", "/v1/runs"), 401);
  });

  test("is not counted on a server without keys, or without a limit", async () => {
    for (const options of [{}, { auth: { mode: "keys" } as const, limits: { rate: null } }]) {
      const free = await openSystem(options);
      const headers = await keyFor(free, ["runs:read"]);
      for (let n = 0; n < 5; n++) {
        const reply = await free.send("GET", "/v1/runs", undefined, headers);
        expect([reply.status, reply.headers.get("RateLimit")]).toEqual([200, null]);
      }
      await free.close();
    }
  });
});

describe("a bucket", () => {
  test("never gives more than the burst and what came since", () => {
    const limiter = new RateLimiter({ perSecond: 10, burst: 5 });
    let given = 0;
    for (let atMs = 0; atMs <= 2_000; atMs += 7) given += limiter.take("a", atMs).waitMs === 0 ? 1 : 0;
    expect(given).toBe(5 + 19);
  });

  test("is not filled by a clock that goes back", () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 });
    expect(limiter.take("a", 10_000).waitMs).toBe(0);
    expect(limiter.take("a", 0).waitMs).toBeGreaterThan(0);
    expect(limiter.take("a", 10_500).waitMs).toBe(500);
  });

  test("is forgotten first when its caller was quiet for longest", () => {
    const limiter = new RateLimiter({ perSecond: 0.001, burst: 1 });
    for (let n = 0; n < 10_000; n++) limiter.take(`c${n}`, 0);
    limiter.take("c0", 0);
    limiter.take("new", 0);
    expect(limiter.take("c0", 0).waitMs).toBeGreaterThan(0);
    expect(limiter.take("c1", 0).waitMs).toBe(0);
  });
});
