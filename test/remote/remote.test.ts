import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StartedRun } from "../../src/client/api.ts";
import { ROOT_ACTION } from "../../src/core/identity.ts";
import { openPlace, type Place } from "./place.ts";

const calleeAt = (version: string, factor: number): string => `
import { condition, ctx, TaskEnvironment } from "godwit";

const env = new TaskEnvironment({ name: "callee", retries: 2 });

export const scale = env.task(async function scale(n: number) {
  return ${factor} * n;
});
export const ask = env.task(async function ask() {
  await condition({ name: "answer" });
  return "${version}";
});
export const fragile = env.task(async function fragile() {
  throw new Error("attempt " + ctx().attempt);
});
`;

/** Knows the names of the callee's tasks, and none of its code. */
const CALLER = `
import { condition, group, map, remote, run, TaskEnvironment } from "godwit";

const env = new TaskEnvironment({ name: "caller" });
const scale = remote.task<(n: number) => number>("callee.scale");
const first = remote.task<(n: number) => number>("callee.scale", { version: "v1" });
const ask = remote.task<() => string>("callee.ask", { version: "latest" });
const fragile = remote.task<() => never>("callee.fragile");

export const sum = env.task(async function sum(ns: number[]) {
  const scaled = await group("far", () => map(scale, ns));
  return scaled.reduce((a, b) => a + b, 0) + (await first(100));
});

export const patient = env.task(async function patient() {
  const answer = ask();
  await condition({ name: "go on" });
  return answer;
});

export const unlucky = env.task(async function unlucky(tries: string) {
  const call = tries === "deployed" ? fragile : fragile.override({ retries: 0 });
  try {
    return await call();
  } catch (error) {
    return (error as Error).message;
  }
});

export const lost = env.task(async function lost() {
  try {
    return await remote.task<() => string>("callee.gone")();
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint: string };
    return { code, message, hint };
  }
});

export const half = env.task(async function half(n: number) {
  return n / 2;
});

export const starts = env.task(async function starts(n: number) {
  const own = await run(half, n, { labels: { by: "starts" } });
  const far = await run(scale, n);
  const found = await remote.run<typeof half>(own.id);
  const results = [await found.result(), await far.result()];
  const listed: string[] = [];
  for await (const { task } of remote.runs({ phase: "succeeded" })) listed.push(task);
  const stuck = await run(ask);
  await stuck.abort("not needed");
  let last = "";
  for await (const event of stuck) last = event.phase;
  return { results, listed: listed.sort(), last };
});

export const nested = env.task(async function nested(n: number) {
  return starts(n);
});
`;

let place: Place;

beforeAll(async () => {
  place = await openPlace();
  await place.deploy("callee", "v1", calleeAt("v1", 2));
  await place.deploy("caller", "v1", CALLER);
});
afterAll(() => place.close());

/** The value of a run that must have succeeded. */
async function resultOf(started: StartedRun): Promise<unknown> {
  const { outcome } = await place.client.getResult(started.id, { wait: "20s" });
  if (outcome?.ok === true) return outcome.value;
  throw new Error(`it did not succeed: ${JSON.stringify(outcome)}`);
}

const runTask = (task: string, input?: number | string | number[]): Promise<StartedRun> =>
  place.client.runTask(task, input);

async function openConditions(run: string, count: number): Promise<void> {
  const open = async (): Promise<number> => (await place.client.listConditions({ run })).data.length;
  await expect.poll(open, { timeout: 10_000 }).toBe(count);
}

describe("a task that knows another only by its name", () => {
  test("calls it, at the newest version and at a pinned one", async () => {
    expect(await resultOf(await runTask("caller.sum", [1, 2, 3]))).toBe(2 * 6 + 200);
    const { id } = await runTask("caller.sum", [1]);
    await place.client.getResult(id, { wait: "20s" });
    const { data } = await place.client.listActions(id, { parent: ROOT_ACTION });
    expect(data.map(({ task, group }) => [task, group])).toEqual([
      ["callee.scale", "far"],
      ["callee.scale", null],
    ]);
  });

  test("gets the settings that it was deployed with, unless it says otherwise", async () => {
    expect(await resultOf(await runTask("caller.unlucky", "deployed"))).toContain("attempt 3");
    expect(await resultOf(await runTask("caller.unlucky", "none"))).toContain("attempt 1");
  });

  test("can catch that it is not there, and reads what is", async () => {
    expect(await resultOf(await runTask("caller.lost"))).toMatchObject({
      code: "TASK_NOT_FOUND",
      message: expect.stringContaining('no task "callee.gone" in default/development'),
      hint: "It has callee.ask, callee.fragile, callee.scale.",
    });
  });

  test("keeps the version that it got through parking and replays, whatever is deployed meanwhile", async () => {
    const { id } = await place.client.startRun({ task: "caller.patient", suspend: "always" });
    await openConditions(id, 2);
    await place.deploy("callee", "v2", calleeAt("v2", 3));
    await place.client.signal({ run: id, condition: "go on" }, {});
    await openConditions(id, 1);
    const actions = async (): Promise<string[]> =>
      (await place.client.listActions(id, { task: "callee.ask" })).data.map((action) => action.phase);
    await expect.poll(actions).toEqual(["suspended"]);
    await place.client.signal({ run: id, condition: "answer" }, {});
    expect((await place.client.getResult(id, { wait: "20s" })).outcome).toEqual({ ok: true, value: "v1" });
    expect(await resultOf(await runTask("caller.sum", [1]))).toBe(3 + 200);
    const again = await place.client.startRun({ task: "callee.ask" });
    await openConditions(again.id, 1);
    await place.client.signal({ run: again.id, condition: "answer" }, {});
    expect(await resultOf(again)).toBe("v2");
  });
});

describe("a task on a coordinator with keys", () => {
  test.each(["caller.starts", "caller.nested"])(
    "starts, follows, lists and aborts runs with the token of its runner: %s",
    async (task) => {
      await place.deploy("callee", "v2", calleeAt("v2", 3));
      const started = await runTask(task, 10);
      expect(await resultOf(started)).toEqual({
        results: [5, 30],
        listed: ["callee.scale", "caller.half"],
        last: "aborted",
      });
      const { data } = await place.client.listRuns({ label: ["by=starts"] });
      expect(data[0]).toMatchObject({ createdBy: `run:${started.id}`, task: "caller.half" });
    },
  );
});
