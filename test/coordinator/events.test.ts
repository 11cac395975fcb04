import { afterEach, beforeEach, expect, test } from "vitest";
import type { EventPage, Problem } from "../../src/client/api.ts";
import { deploy, HandRunner, json, OK, openSystem, type System } from "./system.ts";

let system: System;
let runner: HandRunner;
let run: string;

beforeEach(async () => {
  system = await openSystem({ limits: { beatMs: 30 } });
  await deploy(system);
  runner = new HandRunner(system);
  await runner.report();
  ({ id: run } = await json<{ id: string }>(system.send("POST", "/v1/runs", { task: "hello.free" }), 202));
});
afterEach(() => system.close());

const stream = (headers: Record<string, string> = {}): Promise<Response> =>
  system.send("GET", `/v1/runs/${run}/events`, undefined, { Accept: "text/event-stream", ...headers });

const idsOf = (text: string): number[] =>
  [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));

async function finish(): Promise<void> {
  await runner.finish((await runner.lease())[0]?.lease ?? "", OK);
}

test("streams every event once and ends after the last", async () => {
  const reply = await stream();
  expect(Object.fromEntries(reply.headers)).toMatchObject({
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  const text = reply.text();
  await new Promise((resolve) => setTimeout(resolve, 100));
  await finish();
  const got = await text;
  expect(got).toMatch(/^retry: 3000\n\n/);
  expect(got).toContain(": beat\n\n");
  expect(idsOf(got)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(got).toMatch(/event: run\ndata: \{"type":"run","seq":6,.*"phase":"succeeded"\}\n\n$/);
});

test("goes on after the last event that was seen", async () => {
  await finish();
  expect(idsOf(await (await stream({ "Last-Event-ID": "4" })).text())).toEqual([5, 6]);
  const over = await stream({ "Last-Event-ID": "6" });
  expect(over.status).toBe(204);
  expect((await json<Problem>(stream({ "Last-Event-ID": "x" }), 400)).code).toBe("INVALID_REQUEST");
});

test("asks to connect again before the platform cuts it off", async () => {
  const short = await openSystem({ limits: { maxStreamMs: 50 } });
  await deploy(short);
  const { id } = await json<{ id: string }>(short.send("POST", "/v1/runs", { task: "hello.free" }), 202);
  const reply = await short.send("GET", `/v1/runs/${id}/events`, undefined, { Accept: "text/event-stream" });
  expect(await reply.text()).toMatch(/event: reconnect\ndata: \{\}\n\n$/);
  await short.close();
});

test("stops looking when the reader goes away", async () => {
  const reply = await stream();
  const reader = reply.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await finish();
});

test("answers a page at once, or as soon as there is one", async () => {
  const page = (query: string): Promise<EventPage> =>
    json(system.send("GET", `/v1/runs/${run}/events?${query}`), 200);
  const first = await page("");
  expect(first).toMatchObject({ data: [{ seq: 1 }, { seq: 2 }], after: 2, isEnded: false });
  expect(await page("after=2&wait=20ms")).toEqual({ data: [], after: 2, isEnded: false });
  const waiting = page("after=2&wait=20s");
  await runner.lease();
  expect((await waiting).data[0]).toMatchObject({ seq: 3 });
  expect((await json<Problem>(system.send("GET", `/v1/runs/${run}/events?after=-1`), 400)).code).toBe(
    "INVALID_REQUEST",
  );
});

test("says when nothing comes any more", async () => {
  await finish();
  const page = (after: number): Promise<EventPage> =>
    json(system.send("GET", `/v1/runs/${run}/events?after=${after}&wait=20s`), 200);
  expect(await page(0)).toMatchObject({ after: 6, isEnded: true });
  expect(await page(6)).toEqual({ data: [], after: 6, isEnded: true });
});
