import { describe, expect, test } from "vitest";
import { type CacheSettings, sleep } from "../../src/index.ts";
import type { Harness } from "../../src/testing/index.ts";
import { environment, errorOf, failureOf, harness } from "./harness.ts";

/** A task that is cached, and how often it is computed. */
function cached(cache: CacheSettings | "auto" | "disable") {
  const env = environment({ cache });
  return env.task(async function compute({ x }: { x: number; verbose?: boolean }) {
    return { x };
  });
}

async function results(
  h: Harness,
  task: ReturnType<typeof cached>,
  inputs: { x: number; verbose?: boolean }[],
): Promise<number> {
  for (const input of inputs) expect(await (await h.run(task, input)).result()).toEqual({ x: input.x });
  return h.executions(task);
}

describe("the key", () => {
  test("is the input and the code with `auto`", async () => {
    const task = cached("auto");
    const h = await harness();
    expect(await results(h, task, [{ x: 1 }, { x: 1 }, { x: 2 }])).toBe(2);
    h.mock(task, async ({ x }) => ({ x: Number(x) }));
    expect(await results(h, task, [{ x: 1 }, { x: 1 }])).toBe(3);
  });

  test("is the input and the version with a version", async () => {
    const task = cached({ version: "1" });
    const h = await harness();
    expect(await results(h, task, [{ x: 1 }, { x: 1 }])).toBe(1);
    h.mock(task, async ({ x }) => ({ x: Number(x) }));
    expect(await results(h, task, [{ x: 1 }])).toBe(1);
    expect(await results(h, task.override({ cache: { version: "2" } }), [{ x: 1 }, { x: 1 }])).toBe(2);
  });

  test("is nothing when caching is off", async () => {
    const h = await harness();
    expect(await results(h, cached("disable"), [{ x: 1 }, { x: 1 }])).toBe(2);
  });

  test("leaves out ignored inputs", async () => {
    const task = cached({ version: "1", ignoredInputs: ["verbose"] });
    const h = await harness();
    expect(await results(h, task, [{ x: 1, verbose: true }, { x: 1, verbose: false }, { x: 1 }])).toBe(1);
  });

  test("does not depend on the order of fields", async () => {
    const task = cached({ version: "1" });
    const h = await harness();
    expect(
      await results(h, task, [
        { x: 1, verbose: true },
        { verbose: true, x: 1 },
      ]),
    ).toBe(1);
  });

  test("changes with the salt", async () => {
    const task = cached({ version: "1", salt: "a" });
    const h = await harness();
    expect(await results(h, task, [{ x: 1 }])).toBe(1);
    expect(await results(h, task.override({ cache: { version: "1", salt: "b" } }), [{ x: 1 }])).toBe(2);
  });

  test.each([
    ["domain", 3],
    ["project", 2],
    ["global", 1],
  ] as const)("is good for a %s", async (scope, computed) => {
    const task = cached({ version: "1", scope });
    const h = await harness();
    for (const at of [
      { project: "a", domain: "development" },
      { project: "a", domain: "production" },
      { project: "b", domain: "development" },
    ])
      await (await h.run(task, { x: 1 }, at)).result();
    expect(h.executions(task)).toBe(computed);
  });
});

describe("a run", () => {
  test("reuses what its own calls computed", async () => {
    const task = cached({ version: "1" });
    const env = environment();
    const main = env.task(async function main() {
      const first = await task({ x: 1 });
      return [first, await task({ x: 1 }), ...(await Promise.all([task({ x: 1 }), task({ x: 2 })]))];
    });
    const h = await harness();
    const run = await h.run(main);
    expect(await run.result()).toEqual([{ x: 1 }, { x: 1 }, { x: 1 }, { x: 2 }]);
    expect(h.executions(task)).toBe(2);
    expect((await run.actions(task)).map(({ attempt }) => attempt).sort()).toEqual([0, 0, 1, 1]);
  });

  test("may compute anew and store", async () => {
    const task = cached({ version: "1" });
    const h = await harness();
    await (await h.run(task, { x: 1 })).result();
    h.mock(task, async () => ({ x: 99 }));
    expect(await (await h.run(task, { x: 1 }, { cache: "overwrite" })).result()).toEqual({ x: 99 });
    expect(await (await h.run(task, { x: 1 })).result()).toEqual({ x: 99 });
    expect(h.executions(task)).toBe(2);
  });

  test("may leave the cache alone", async () => {
    const task = cached({ version: "1" });
    const h = await harness();
    await (await h.run(task, { x: 1 }, { cache: "disable" })).result();
    await (await h.run(task, { x: 1 })).result();
    await (await h.run(task, { x: 1 }, { cache: "disable" })).result();
    expect(h.executions(task)).toBe(3);
  });

  test("does not reuse failures", async () => {
    const task = cached({ version: "1" });
    const h = await harness();
    h.failOnce(task, new Error("no"));
    await errorOf((await h.run(task, { x: 1 })).result());
    expect(await results(h, task, [{ x: 1 }])).toBe(2);
  });
});

describe("serialize", () => {
  function slow(retries = 0) {
    const env = environment({ retries });
    const compute = env.task({ cache: { version: "1", serialize: true } }, async function compute(x: number) {
      await sleep("1h");
      return x;
    });
    return compute;
  }

  test("has one compute and the others wait", async () => {
    const compute = slow();
    const h = await harness({ suspend: "never" });
    const runs = await Promise.all(Array.from({ length: 10 }, () => h.run(compute, 7)));
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual(Array(10).fill(7));
    expect(h.executions(compute)).toBe(1);
  });

  test("serves calls of one parent", async () => {
    const compute = slow();
    const env = environment();
    const main = env.task(async function main() {
      return Promise.all([compute(1), compute(1), compute(2), compute(1)]);
    });
    const h = await harness({ suspend: "never" });
    expect(await (await h.run(main)).result()).toEqual([1, 1, 2, 1]);
    expect(h.executions(compute)).toBe(2);
  });

  test("goes on when the runner that computes is lost", async () => {
    const compute = slow();
    const h = await harness({ suspend: "never", clock: "manual" });
    const runs = [await h.run(compute, 7), await h.run(compute, 7)];
    await h.advance("1m");
    await h.killRunner();
    await h.advance("1h");
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual([7, 7]);
  });

  test("passes the turn on when whoever computes is aborted", async () => {
    const compute = slow();
    const h = await harness({ suspend: "never", clock: "manual" });
    const runs = [await h.run(compute, 7), await h.run(compute, 7), await h.run(compute, 7)];
    await h.advance("1m");
    await runs[0]!.abort("enough");
    await h.advance("2h");
    expect(await Promise.all(runs.slice(1).map((run) => run.result()))).toEqual([7, 7]);
    expect(h.executions(compute)).toBe(2);
  });

  test("passes the turn on when the computation fails", async () => {
    const compute = slow();
    const h = await harness({ suspend: "never" });
    h.failOnce(compute, new Error("no"));
    const runs = await Promise.all([h.run(compute, 7), h.run(compute, 7), h.run(compute, 7)]);
    const ends = await Promise.all(runs.map((run) => run.wait()));
    expect(ends.map(({ phase }) => phase).sort()).toEqual(["failed", "succeeded", "succeeded"]);
    expect(h.executions(compute)).toBe(2);
  });

  test("skips those in the line who were aborted meanwhile", async () => {
    const compute = slow();
    const h = await harness({ suspend: "never", clock: "manual" });
    const runs = [await h.run(compute, 7)];
    for (let i = 0; i < 3; i++) {
      await h.advance("1s");
      runs.push(await h.run(compute, 7));
    }
    await h.advance("1m");
    await runs[1]!.abort("I do not need it any more");
    await runs[0]!.abort("enough");
    await h.advance("3h");
    expect(await Promise.all(runs.map(async (run) => (await run.wait()).phase))).toEqual([
      "aborted",
      "aborted",
      "succeeded",
      "succeeded",
    ]);
  });

  test("passes the turn on when the next in line is aborted in the moment of its turn", async () => {
    const compute = slow();
    const h = await harness({ suspend: "never", clock: "manual" });
    const runs = [await h.run(compute, 7)];
    for (let i = 0; i < 2; i++) {
      await h.advance("1s");
      runs.push(await h.run(compute, 7));
    }
    await h.advance("1m");
    await Promise.all([runs[0]!.abort("enough"), runs[1]!.abort("enough")]);
    await h.advance("3h");
    expect((await runs[2]!.wait()).phase).toBe("succeeded");
  });

  test("retries whoever computes before anybody else has a turn", async () => {
    const compute = slow(1);
    const h = await harness({ suspend: "never" });
    h.failOnce(compute, new Error("once"));
    const runs = await Promise.all([h.run(compute, 7), h.run(compute, 7)]);
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual([7, 7]);
    expect(h.executions(compute)).toBe(2);
    h.failOnce(compute, new Error("first"));
    h.failOnce(compute, new Error("second"));
    expect(await failureOf(await h.run(compute, 8))).toMatchObject({ attempts: 2 });
  });
});
