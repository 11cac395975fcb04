import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { virtualTimes } from "../../src/core/fairness.ts";
import { map } from "../../src/index.ts";
import { environment, harness, isPostgres } from "./harness.ts";

/** Counts how many executions are under way, over turns of the event loop. */
class Gauge {
  now = 0;
  most = 0;

  async hold(): Promise<void> {
    this.now += 1;
    this.most = Math.max(this.most, this.now);
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
    this.now -= 1;
  }
}

describe("virtual time", () => {
  test("never goes back for a run, and spaces its actions by its weight", () => {
    const position = fc.record({
      tail: fc.option(fc.nat(1_000)),
      head: fc.option(fc.nat(1_000)),
      weight: fc.constantFrom(0.5, 1, 2, 4),
    });
    fc.assert(
      fc.property(position, fc.integer({ min: 1, max: 50 }), (given, count) => {
        const times = virtualTimes(given, count);
        expect(times).toHaveLength(count);
        expect(times[0]).toBeGreaterThanOrEqual(given.head ?? 0);
        if (given.tail !== null) expect(times[0]).toBeGreaterThanOrEqual(given.tail + 1 / given.weight);
        for (let i = 1; i < count; i++) expect(times[i]! - times[i - 1]!).toBeCloseTo(1 / given.weight);
      }),
    );
  });
});

describe("the queue", () => {
  // A database with round trips would take longer than a test may; the order is the same.
  const FAN_OUT = isPostgres ? 4_000 : 20_000;

  test(`lets a run of one task through a fan-out of ${FAN_OUT}`, async () => {
    const env = environment();
    let order = 0;
    let smallAt = 0;
    const item = env.task(async function item(x: number) {
      order += 1;
      return x;
    });
    const small = env.task(async function small() {
      smallAt = order;
    });
    const big = env.task(async function big() {
      return (
        await map(
          item,
          Array.from({ length: FAN_OUT }, (_, x) => x),
        )
      ).length;
    });
    const h = await harness({ slots: 4 });
    const fanOut = await h.run(big);
    const waiting = fanOut.result();
    while (order < 1_000) await new Promise((resolve) => setImmediate(resolve));
    const before = order;
    await (await h.run(small)).result();
    expect(smallAt - before).toBeLessThan(2_000);
    expect(order).toBeLessThan(FAN_OUT);
    expect(await waiting).toBe(FAN_OUT);
  });

  test("lets it through when the fan-out has taken every slot of its own runner", async () => {
    const env = environment();
    const gauge = new Gauge();
    let order = 0;
    let smallAt = 0;
    const item = env.task(async function item(x: number) {
      order += 1;
      await gauge.hold();
      return x;
    });
    const small = env.task(async function small() {
      smallAt = order;
    });
    const big = env.task(async function big() {
      return (
        await map(
          item,
          Array.from({ length: 2_000 }, (_, x) => x),
        )
      ).length;
    });
    const h = await harness({ slots: 2 });
    const fanOut = await h.run(big);
    const waiting = fanOut.result();
    while (order < 100) await new Promise((resolve) => setImmediate(resolve));
    const before = order;
    await (await h.run(small)).result();
    expect(smallAt - before).toBeLessThan(200);
    expect(await waiting).toBe(2_000);
  });

  async function orderOf(
    settings: readonly { readonly weight?: number; readonly priority?: number }[],
  ): Promise<number[]> {
    const env = environment();
    const order: number[] = [];
    const item = env.task(async function item({ run }: { run: number; x: number }) {
      order.push(run);
    });
    const main = env.task(async function main(run: number) {
      await map(
        item,
        Array.from({ length: 60 }, (_, x) => ({ run, x })),
      );
    });
    // Nobody executes anything before all of it is queued.
    const h = await harness({ runners: 0, slots: 1, suspend: "always", clock: "manual" });
    const runs = [];
    for (const [i, each] of settings.entries())
      runs.push(await h.run(main, i, { ...each, actionLimit: 1_000 }));
    h.addRunner();
    await h.advance("1m");
    for (const run of runs) expect((await run.wait()).phase).toBe("succeeded");
    return order;
  }

  test("gives a run of twice the weight twice the share", async () => {
    const order = await orderOf([{ weight: 2 }, { weight: 1 }]);
    const until = order.lastIndexOf(0);
    const share = order.slice(0, until).filter((run) => run === 1).length;
    expect(share).toBeGreaterThan(22);
    expect(share).toBeLessThan(40);
  });

  test("takes turns between runs of the same weight", async () => {
    const order = await orderOf([{}, {}, {}]);
    const first = order.slice(0, 90);
    for (const run of [0, 1, 2]) expect(first.filter((each) => each === run).length).toBeGreaterThan(20);
  });

  test("takes the higher priority first", async () => {
    const order = await orderOf([{ priority: 0 }, { priority: 5 }]);
    expect(order.indexOf(0)).toBeGreaterThanOrEqual(order.lastIndexOf(1) - 1);
  });
});

describe("limits", () => {
  test.each(["never", "auto", "always"] as const)(
    "bound how much of a run is executed at once (suspend: %s)",
    async (suspend) => {
      const env = environment();
      const gauge = new Gauge();
      const item = env.task(async function item(x: number) {
        await gauge.hold();
        return x;
      });
      const main = env.task(async function main() {
        return (
          await map(
            item,
            Array.from({ length: 40 }, (_, x) => x),
          )
        ).length;
      });
      const h = await harness({ runners: 2, suspend });
      // A held parent is one of them.
      expect(await (await h.run(main, undefined, { actionLimit: 4 })).result()).toBe(40);
      expect(gauge.most).toBeLessThanOrEqual(4);
      expect(gauge.most).toBeGreaterThanOrEqual(3);
    },
  );

  test("bound a key over all runs", async () => {
    const env = environment();
    const gauge = new Gauge();
    const item = env.task({ concurrency: { key: "database", limit: 3 } }, async function item(x: number) {
      await gauge.hold();
      return x;
    });
    const other = env.task({ concurrency: { key: "database", limit: 3 } }, async function other(x: number) {
      await gauge.hold();
      return x;
    });
    const main = env.task(async function main() {
      return (
        await Promise.all([map(item, [1, 2, 3, 4, 5, 6, 7, 8]), map(other, [1, 2, 3, 4, 5, 6, 7, 8])])
      ).flat().length;
    });
    const h = await harness({ runners: 3 });
    const runs = await Promise.all([h.run(main), h.run(main), h.run(main)]);
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual([16, 16, 16]);
    expect(gauge.most).toBe(3);
  });

  test.each(["auto", "always"] as const)(
    "of one never block nested parents (suspend: %s)",
    async (suspend) => {
      const env = environment({ concurrency: { key: "one", limit: 1 } });
      const down = env.task({ name: "down" }, async (depth: number): Promise<number> => {
        if (depth === 0) return 0;
        const [left, right] = await Promise.all([down(depth - 1), down(Math.max(depth - 2, 0))]);
        return Math.max(left, right) + 1;
      });
      const h = await harness({ suspend });
      expect(await (await h.run(down, 6, { actionLimit: 1 })).result()).toBe(6);
    },
  );

  test("are given back by whoever fails, is aborted or lost", async () => {
    const env = environment();
    const item = env.task({ concurrency: 1, name: "item" }, async (how: string): Promise<string> => {
      if (how === "fail") throw new Error("no");
      if (how === "hang") await new Promise(() => undefined);
      return how;
    });
    const h = await harness({ clock: "manual" });
    const hanging = await h.run(item, "hang");
    await h.advance("1s");
    const rest = [];
    for (const how of ["fail", "hang", "fine", "fine"]) {
      rest.push(await h.run(item, how));
      await h.advance("1s");
    }
    await hanging.abort("enough");
    await h.advance("1s");
    expect(h.executions(item)).toBe(3);
    await h.killRunner();
    await h.advance("1s");
    await rest[1]!.abort("enough");
    await h.advance("1s");
    expect(await Promise.all(rest.map(async (run) => (await run.wait()).phase))).toEqual([
      "failed",
      "aborted",
      "succeeded",
      "succeeded",
    ]);
  });

  test("pass the turn of a waiter who is aborted in that moment to the next", async () => {
    const env = environment();
    const item = env.task({ concurrency: 1, name: "item" }, async (how: string): Promise<string> => {
      if (how === "hang") await new Promise(() => undefined);
      return how;
    });
    const h = await harness({ clock: "manual" });
    const runs = [];
    for (const how of ["hang", "fine", "fine"]) {
      runs.push(await h.run(item, how));
      await h.advance("1s");
    }
    await Promise.all([runs[0]!.abort("enough"), runs[1]!.abort("enough")]);
    await h.advance("1s");
    expect((await runs[2]!.wait()).phase).toBe("succeeded");
  });
});
