import { expect, test } from "vitest";
import { configureRuns, run, sleep } from "../../src/index.ts";
import { createHarness } from "../../src/testing/index.ts";
import { environment, errorOf, harness } from "./harness.ts";

test("runs a task and its calls in this process", async () => {
  const env = environment();
  const square = env.task(async function square(x: number) {
    return x * x;
  });
  const main = env.task(async function main({ data }: { data: number[] }) {
    return (await Promise.all(data.map((x) => square(x)))).reduce((sum, next) => sum + next, 0);
  });
  const h = await harness();
  const started = await h.run(main, { data: [1, 2, 3] });
  expect(await started.result()).toBe(14);
  expect(h.executions(square)).toBe(3);
  expect((await started.actions()).map(({ phase }) => phase)).toEqual(Array(4).fill("succeeded"));
});

test("skips the time that nobody is busy in", async () => {
  const env = environment();
  const main = env.task(async function main() {
    await sleep("30d");
    await sleep("335d");
    return "done";
  });
  const h = await harness({ startMs: 0 });
  const started = await h.run(main);
  expect(await started.result()).toBe("done");
  expect(h.now()).toBeGreaterThanOrEqual(365 * 86_400_000);
  expect(h.now()).toBeLessThan(365 * 86_400_000 + 1_000);
});

test("moves time only when asked with a manual clock", async () => {
  const env = environment();
  const main = env.task(async function main() {
    await sleep("1h");
    return "done";
  });
  const h = await harness({ clock: "manual" });
  const started = await h.run(main);
  await h.advance("59m");
  expect((await started.actions()).map(({ phase }) => phase)).toEqual(["suspended", "waiting"]);
  await h.advance("1m");
  expect(await started.result()).toBe("done");
});

test("waits for what user code really does before it skips", async () => {
  const env = environment();
  const slow = env.task({ timeout: "5s" }, async function slow() {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return "in time";
  });
  const h = await harness();
  expect(await (await h.run(slow)).result()).toBe("in time");
});

test("replaces tasks and makes them fail", async () => {
  const env = environment();
  const fetchPage = env.task({ retries: 1 }, async function fetchPage(url: string): Promise<string> {
    throw new Error(`the network is not there: ${url}`);
  });
  const h = await harness();
  const undo = h.mock(fetchPage, async (url) => `page of ${url}`);
  h.failOnce(fetchPage, new Error("once"));
  const started = await h.run(fetchPage, "a");
  expect(await started.result()).toBe("page of a");
  expect(h.executions(fetchPage)).toBe(2);
  undo();
  expect((await errorOf((await h.run(fetchPage, "a")).result())).message).toContain(
    "the network is not there",
  );
});

test("serves `run` and runs that tasks start", async () => {
  const env = environment();
  const child = env.task(async function child(x: number) {
    return x + 1;
  });
  const main = env.task(async function main() {
    const started = await run(child, 1);
    await sleep("1s");
    return started.id;
  });
  const h = await harness({ suspend: "always" });
  configureRuns(h.starter);
  try {
    const started = await run(main);
    const id = await started.result();
    expect(await h.runOf(id).result()).toBe(2);
    expect(h.executions(main)).toBe(2);
    expect(h.executions(child)).toBe(1);
  } finally {
    configureRuns(undefined);
  }
});

test("lets go of whoever waits when it is closed", async () => {
  const env = environment();
  const main = env.task(async function main() {
    await new Promise(() => undefined);
  });
  const made = await createHarness();
  const waiting = errorOf((await made.run(main)).result());
  await made.close();
  expect((await waiting).message).toBe("the harness was closed");
});

test("runs on the clock of the machine", async () => {
  const env = environment();
  const main = env.task(async function main() {
    await sleep(5);
    return "done";
  });
  const h = await harness({ clock: "real" });
  expect(await (await h.run(main)).result()).toBe("done");
});

test("goes on with another runner when one is killed", async () => {
  const env = environment();
  let isFirst = true;
  const child = env.task(async function child(x: number) {
    if (x === 2 && isFirst) {
      isFirst = false;
      await new Promise(() => undefined);
    }
    return x;
  });
  const main = env.task(async function main() {
    return [await child(1), await child(2), await child(3)];
  });
  const h = await harness({ clock: "manual" });
  const started = await h.run(main);
  await h.advance("1s");
  expect(h.executions(child)).toBe(2);
  await h.killRunner();
  await h.advance("1s");
  expect(await started.result()).toEqual([1, 2, 3]);
  expect(h.executions(child)).toBe(4);
});

test("loses a runner that is killed in the middle of its first exchange", async () => {
  const env = environment();
  const child = env.task(async function child(x: number) {
    return x;
  });
  const main = env.task(async function main() {
    return Promise.all([1, 2].map((x) => child(x)));
  });
  for (let turns = 0; turns < 25; turns++) {
    const h = await harness();
    const run = await h.run(main);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    await h.killRunner();
    expect(await run.result()).toEqual([1, 2]);
  }
});
