import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { httpTransport } from "../../src/client/index.ts";
import { deploy, HandRunner, json, OK, openSystem, type System } from "../coordinator/system.ts";
import { startServer, type TestServer } from "./server.ts";

let system: System;
let server: TestServer;

beforeEach(async () => {
  system = await openSystem();
  await deploy(system);
  server = await startServer((request) => system.app.fetch(request));
});
afterEach(async () => {
  await server.kill();
  await system.close();
});

const start = (): Promise<{ id: string }> =>
  json(system.send("POST", "/v1/runs", { task: "hello.free" }), 202);
const request = (part: object = {}) => ({ ...new HandRunner(system).request(), ...part });

describe("the transport", () => {
  test("runs an action", async () => {
    const { id } = await start();
    const transport = httpTransport({ endpoint: server.endpoint });
    await transport.exchange(request());
    const { leases } = await transport.exchange(request({ want: 1 }));
    const lease = leases[0]?.lease ?? "";
    const calls = [{ lease, id: "t1", kind: "trace", task: "now", input: "1" } as const];
    await transport.exchange(
      request({
        number: 2,
        calls,
        outcomes: [{ lease, trace: "t1", outcome: OK, startedMs: 1, endedMs: 2 }],
      }),
    );
    expect(await transport.journal({ lease, since: 0, limit: 10 })).toMatchObject([
      { id: "t1", outcome: OK },
    ]);
    await transport.exchange(
      request({ number: 2, outcomes: [{ lease, outcome: OK, startedMs: 1, endedMs: 2 }] }),
    );
    expect(await json(system.send("GET", `/v1/runs/${id}`), 200)).toMatchObject({ phase: "succeeded" });
  });

  test("gets the same leases when a reply was lost", async () => {
    await start();
    const replies: string[] = [];
    const transport = httpTransport({
      endpoint: server.endpoint,
      fetch: async (...sent) => {
        const reply = await fetch(...sent);
        replies.push(await reply.clone().text());
        if (replies.length === 2) throw new TypeError("fetch failed");
        return reply;
      },
    });
    await transport.exchange(request());
    const { leases } = await transport.exchange(request({ want: 1 }));
    expect(replies).toHaveLength(3);
    expect(replies[2]).toBe(replies[1]);
    expect(leases).toHaveLength(1);
  });

  test("goes on when the coordinator comes back", async () => {
    const transport = httpTransport({ endpoint: server.endpoint });
    await transport.exchange(request());
    await server.kill();
    const waiting = transport.exchange(request());
    setTimeout(() => void server.start(), 150);
    expect((await waiting).known).toBe(true);
  });

  test("repeats what a busy server refused, and waits as long as it asks", async () => {
    let refusals = 0;
    const busy = await startServer((sent) => {
      if (refusals++ < 2)
        return new Response("busy", {
          status: refusals === 1 ? 503 : 429,
          headers: { "Retry-After": "0.1" },
        });
      return system.app.fetch(sent);
    });
    const began = performance.now();
    expect((await httpTransport({ endpoint: busy.endpoint }).exchange(request())).known).toBe(true);
    expect(performance.now() - began).toBeGreaterThan(190);
    await busy.kill();
  });

  test("stops when its signal fires, waiting or repeating", async () => {
    const transport = httpTransport({ endpoint: server.endpoint });
    await transport.exchange(request());
    const poll = request({ channel: "poll", want: 1, waitMs: 20_000 });
    await expect(transport.exchange(poll, AbortSignal.timeout(50))).rejects.toMatchObject({
      name: "TimeoutError",
    });
    await server.kill();
    await expect(transport.exchange(poll, AbortSignal.timeout(250))).rejects.toMatchObject({
      name: "TimeoutError",
    });
    await server.start();
  });

  test("does not repeat what no repetition repairs", async () => {
    const transport = httpTransport({ endpoint: server.endpoint });
    await expect(transport.exchange(request({ number: 0 }))).rejects.toMatchObject({
      code: "INVALID_REQUEST",
    });
  });

  test("compresses large bodies", async () => {
    const sizes: [number, string | null][] = [];
    const proxy = await startServer(async (sent) => {
      sizes.push([(await sent.clone().arrayBuffer()).byteLength, sent.headers.get("Content-Encoding")]);
      return system.app.fetch(sent);
    });
    await start();
    const transport = httpTransport({ endpoint: proxy.endpoint, compressFrom: 64 * 1024 });
    await transport.exchange(request());
    const { leases } = await transport.exchange(request({ want: 1 }));
    const outcome = { ok: true, value: JSON.stringify("x".repeat(100_000)) } as const;
    const done = { lease: leases[0]?.lease ?? "", outcome, startedMs: 1, endedMs: 2 };
    expect((await transport.exchange(request({ number: 2, outcomes: [done] }))).refused).toEqual([]);
    expect(sizes.map(([, encoding]) => encoding)).toEqual([null, null, "gzip"]);
    expect(sizes[2]?.[0]).toBeLessThan(2_000);
    await proxy.kill();
  });
});
