import { describe, expect, test } from "vitest";
import { GodwitClient } from "../../src/client/client.ts";
import { createCoordinator } from "../../src/coordinator/app.ts";
import { condition } from "../../src/index.ts";
import type { Harness } from "../../src/testing/index.ts";
import { environment, errorOf, failureOf, harness } from "./harness.ts";

const PLACES = [
  { project: "a", domain: "development" },
  { project: "a", domain: "production" },
  { project: "b", domain: "development" },
] as const;
type Place = (typeof PLACES)[number];
const nameOf = ({ project, domain }: { project: string; domain: string }): string => `${project}/${domain}`;
const NAMES = PLACES.map(nameOf);

/** What a client is told of each place. */
function clientOf({ core }: Harness): GodwitClient {
  const app = createCoordinator({ core, auth: { mode: "open" }, signingKey: new Uint8Array(32) });
  const fetch: typeof globalThis.fetch = async (input, init) => app.request(input as string, init);
  return new GodwitClient({ endpoint: "http://localhost", fetch });
}

async function perPlace<Result>(read: (place: Place) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (const place of PLACES) results.push(await read(place));
  return results;
}

describe("each project and domain", () => {
  test("lists its own runs, tasks, cached results and open conditions", async () => {
    const env = environment();
    const cached = env.task({ cache: { version: "1" } }, async function cached(_: string) {
      return 1;
    });
    const ask = env.task(async function ask(place: string) {
      await cached(place);
      await condition({ name: place.replace("/", "-") });
    });
    const h = await harness();
    const client = clientOf(h);
    await perPlace(async (place) => h.run(ask, nameOf(place), place));
    await expect.poll(async () => (await client.listConditions()).data.length).toBe(PLACES.length);

    const runs = await perPlace(async (place) => (await client.listRuns(place)).data.map(nameOf));
    expect(runs).toEqual(NAMES.map((name) => [name]));
    const conditions = await perPlace(async (place) => (await client.listConditions(place)).data);
    expect(conditions.map((found) => found.map(nameOf))).toEqual(NAMES.map((name) => [name]));
    const entries = await perPlace(async (place) => (await client.listCache(place)).data.map(nameOf));
    expect(entries).toEqual(NAMES.map((name) => [name]));
    const tasks = await perPlace(async (place) => (await client.listTasks(place)).data);
    expect(tasks.map((found) => [...new Set(found.map(nameOf))])).toEqual(NAMES.map((name) => [name]));
    const deployed = await perPlace(async (place) => (await client.getTask(ask.fullName, place)).deployment);
    expect(new Set(deployed).size).toBe(PLACES.length);
    expect((await client.listTasks({ project: "b", domain: "production" })).data).toEqual([]);
    expect((await client.listRuns({ project: "a" })).data.map(nameOf).sort()).toEqual(NAMES.slice(0, 2));
  });

  test("is asked for by a name that is allowed", async () => {
    const client = clientOf(await harness());
    const refused = expect.objectContaining({ code: "INVALID_REQUEST" });
    for (const place of [{ project: "A" }, { domain: "a/b" }]) {
      await expect(client.listRuns(place)).rejects.toThrow(refused);
      await expect(client.listTasks(place)).rejects.toThrow(refused);
      await expect(client.listConditions(place)).rejects.toThrow(refused);
      await expect(client.startRun({ task: "a.b", ...place })).rejects.toThrow(refused);
    }
  });

  test("computes for itself what no other may reuse", async () => {
    const task = environment().task({ cache: { version: "1" } }, async function task(x: number) {
      return x;
    });
    const h = await harness();
    for (const place of [...PLACES, ...PLACES]) await (await h.run(task, 1, place)).result();
    expect(h.executions(task)).toBe(PLACES.length);
  });

  test("has concurrency keys of its own, so that none holds up another", async () => {
    const env = environment();
    const busy = env.task({ concurrency: { key: "one", limit: 1 } }, async function busy(ms: number) {
      await new Promise((resolve) => setTimeout(resolve, ms));
    });
    const h = await harness();
    const long = await h.run(busy, 60_000, PLACES[0]);
    await expect.poll(async () => (await long.actions(busy)).map(({ phase }) => phase)).toEqual(["running"]);
    const others = [];
    for (const place of PLACES.slice(1)) others.push(await h.run(busy, 0, place));
    await Promise.all(others.map((run) => run.result()));
    const same = await h.run(busy, 0, PLACES[0]);
    expect((await same.actions(busy)).map(({ phase }) => phase)).toEqual(["waiting"]);
    await Promise.all([long.abort(), same.abort()]);
  });

  test("reuses nothing of a run of another project", async () => {
    const main = environment().task(async function main() {
      throw new Error("no");
    });
    const h = await harness();
    const old = await h.run(main, undefined, PLACES[0]);
    await failureOf(old);
    const refused = await errorOf<{ code: string }>(
      h.run(main, undefined, { ...PLACES[2], recover: old.id }),
    );
    expect(refused).toMatchObject({
      code: "INVALID_REQUEST",
      message: expect.stringContaining('"a", not of "b"'),
    });
  });
});
