import { describe, expect, test } from "vitest";
import { NonDeterminismError, sleep, trace } from "../../src/index.ts";
import { environment, failureOf, harness } from "./harness.ts";

/** Real time that no clock of ours knows. */
function pause(turns: number): Promise<void> {
  return new Promise((resolve) => {
    const next = (left: number): unknown => (left === 0 ? resolve() : setImmediate(() => next(left - 1)));
    next(turns);
  });
}

describe("a replay that leaves the recorded path", () => {
  test.each([false, true])("because it drops a call is found (strict: %s)", async (strict) => {
    const env = environment();
    const step = env.task(async function step(x: string) {
      return x;
    });
    const main = env.task({ name: "main" }, async () => {
      if (h.executions(main) === 1) await step("only the first time");
      await sleep("1h");
      await sleep("2h");
      return "done";
    });
    const h = await harness({ suspend: "always", clock: "manual" });
    const run = await h.run(main, undefined, { strict });
    await h.advance("4h");
    const divergences = await run.divergences();
    expect(divergences[0]).toMatchObject({ kind: "missing_call", action_id: "a0", task: main.fullName });
    if (strict) {
      const error = await failureOf(run);
      expect(error).toBeInstanceOf(NonDeterminismError);
      expect(error.message).toContain(main.fullName);
    } else expect(await run.result()).toBe("done");
  });

  test.each([false, true])("because it makes another call is found (strict: %s)", async (strict) => {
    const env = environment();
    const step = env.task(async function step(x: number) {
      return x;
    });
    const main = env.task({ name: "main" }, async () => {
      if (h.executions(main) > 1) await step(1);
      await step(2);
      await sleep("1h");
      return "done";
    });
    const h = await harness({ suspend: "always", clock: "manual" });
    const run = await h.run(main, undefined, { strict });
    await h.advance("4h");
    // Parked before the first result was in, it may call what it likes, and misses that result's call instead.
    const kind = expect.stringMatching(/^(new|missing)_call$/);
    expect((await run.divergences())[0]).toMatchObject({ kind, action_id: "a0" });
    if (strict) expect(await failureOf(run)).toBeInstanceOf(NonDeterminismError);
    else expect(await run.result()).toBe("done");
  });

  test("because it returns early is found", async () => {
    const env = environment();
    const step = env.task(async function step(x: number) {
      return x;
    });
    const main = env.task({ name: "main" }, async () => {
      if (h.executions(main) > 1) return "early";
      await step(1);
      await sleep("1h");
      return "late";
    });
    const h = await harness({ suspend: "always" });
    const strict = await h.run(main, undefined, { strict: true });
    expect(await failureOf(strict)).toBeInstanceOf(NonDeterminismError);
  });

  test("is not reported for a task that keeps to it", async () => {
    const env = environment();
    const step = env.task(async function step(x: number) {
      await sleep(x * 1_000);
      return x;
    });
    const note = trace(async function note(x: number) {
      return x;
    });
    const main = env.task(async function main() {
      const found = await Promise.all([3, 1, 2].map(async (x) => (await step(x)) + (await note(x))));
      const first = await Promise.race([step(9), step(8), sleep("1s").then(() => -1)]);
      return [...found, first];
    });
    const h = await harness({ suspend: "always", runners: 2 });
    const run = await h.run(main, undefined, { strict: true });
    expect(await run.result()).toEqual([6, 2, 4, -1]);
    expect(await run.divergences()).toEqual([]);
  });
});

describe("the order of results", () => {
  test.each(["never", "always"] as const)(
    "is the same on a replay, whoever asks which came first (suspend: %s)",
    async (suspend) => {
      const env = environment();
      const orders = new Set<string>();
      const step = env.task(async function step(x: number) {
        await sleep(x * 1_000);
        return x;
      });
      const main = env.task(async function main() {
        const order: number[] = [];
        await Promise.all(
          [5, 1, 4, 2, 3].map(async (x) => {
            order.push(await step(x));
            order.push(10 * (await step(x + 10)));
          }),
        );
        const first = await Promise.race([step(33), step(31), step(32)]);
        const any = await Promise.any([step(43), step(41), step(42)]);
        await sleep("1h");
        orders.add(JSON.stringify([order, first, any]));
        return order;
      });
      const h = await harness({ suspend });
      const run = await h.run(main);
      expect(await run.result()).toEqual([1, 2, 3, 4, 5, 110, 120, 130, 140, 150]);
      expect([...orders]).toEqual([JSON.stringify([[1, 2, 3, 4, 5, 110, 120, 130, 140, 150], 31, 41])]);
      expect(await run.divergences()).toEqual([]);
    },
  );

  test("holds across something that is not durable between two calls", async () => {
    const env = environment();
    const winners: string[] = [];
    const step = env.task(async function step({ x, ms }: { x: string; ms: number }) {
      await sleep(ms);
      return x;
    });
    const main = env.task(async function main() {
      // The first path is slower to make its call, and its result is recorded first.
      const late = (async () => {
        await pause(20);
        return step({ x: "late", ms: 1_000 });
      })();
      const winner = await Promise.race([late, step({ x: "early", ms: 5_000 })]);
      winners.push(winner);
      await sleep("1h");
      return winner;
    });
    const h = await harness({ suspend: "never", clock: "manual" });
    const run = await h.run(main);
    await h.advance("1s");
    await pause(200);
    await h.advance("10s");
    await h.killRunner();
    await h.advance("1s");
    await pause(200);
    await h.advance("2h");
    expect(await run.result()).toBe("late");
    expect(winners).toHaveLength(2);
    expect(new Set(winners)).toEqual(new Set(["late"]));
    expect(await run.divergences()).toEqual([]);
  });

  test("holds when the runner is killed in the middle", async () => {
    const env = environment();
    const step = env.task(async function step({ x, ms }: { x: number; ms: number }) {
      await sleep(ms);
      return x;
    });
    const main = env.task(async function main() {
      const seen: number[] = [];
      await Promise.all(
        [9, 7, 8].map(async (x) => {
          seen.push(await step({ x, ms: x * 60_000 }));
        }),
      );
      return seen;
    });
    const h = await harness({ clock: "manual", suspend: "never" });
    const run = await h.run(main);
    for (let minute = 0; minute < 5; minute++) {
      await h.advance("2m");
      await h.killRunner();
    }
    await h.advance("1h");
    expect(await run.result()).toEqual([7, 8, 9]);
    expect(await run.divergences()).toEqual([]);
  });

  test("of nested combinators is kept", async () => {
    const env = environment();
    const step = env.task(async function step(x: number) {
      await sleep(x * 1_000);
      if (x % 5 === 0) throw new Error(`step ${x}`);
      return x;
    });
    const main = env.task(async function main() {
      const nested = await Promise.all([
        Promise.race([step(3), Promise.all([step(1), step(2)])]),
        Promise.any([step(5), Promise.race([step(7), step(6)])]),
        Promise.allSettled([step(10), Promise.any([step(15), step(20)]), step(4)]),
      ]);
      return JSON.stringify(nested, (_, value) =>
        value instanceof AggregateError
          ? value.errors.map(String)
          : value instanceof Error
            ? String(value)
            : value,
      );
    });
    const results: string[] = [];
    for (const suspend of ["never", "auto", "always"] as const) {
      const h = await harness({ suspend });
      results.push(await (await h.run(main)).result());
    }
    expect(new Set(results).size).toBe(1);
    expect(JSON.parse(results[0]!)).toEqual([
      [1, 2],
      6,
      [
        { status: "rejected", reason: "Error: step 10" },
        { status: "rejected", reason: ["Error: step 15", "Error: step 20"] },
        { status: "fulfilled", value: 4 },
      ],
    ]);
  });
});

test("a call that nobody awaits is made, and its failure ends nothing", async () => {
  const env = environment();
  const child = env.task(async function child(x: number) {
    if (x === 1) throw new Error("nobody asks");
    return x;
  });
  const main = env.task(async function main() {
    void child(1);
    void child(2);
    await sleep("1m");
    return child(3);
  });
  const h = await harness({ suspend: "always" });
  const run = await h.run(main);
  expect(await run.result()).toBe(3);
  expect((await run.actions(child)).map(({ phase }) => phase)).toEqual(["failed", "succeeded", "succeeded"]);
});

test("values look the same the first time and on every replay", async () => {
  const env = environment();
  const child = env.task(async function child() {
    return { at: new Date(0), tags: new Set(["a"]), big: 10n, nothing: undefined, list: [new Map([[1, 2]])] };
  });
  const seen: unknown[] = [];
  const main = env.task(async function main() {
    const value = await child();
    seen.push(value);
    await sleep("1h");
  });
  const h = await harness({ suspend: "always" });
  await (await h.run(main)).result();
  expect(seen.length).toBeGreaterThan(1);
  for (const value of seen) expect(value).toEqual(seen[0]);
  expect(seen[0]).toEqual({
    at: new Date(0),
    tags: new Set(["a"]),
    big: 10n,
    nothing: undefined,
    list: [new Map([[1, 2]])],
  });
});
