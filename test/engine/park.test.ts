import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { holdBudgetMs, MAX_HOLD_MS, type SettledCall, type Waits, wakeAfter } from "../../src/core/park.ts";
import { group, map, sleep } from "../../src/index.ts";
import { environment, harness } from "./harness.ts";

describe("how long a parent is held", () => {
  const cost = fc.record({ replayMs: fc.nat(MAX_HOLD_MS / 2), startUpMs: fc.nat(MAX_HOLD_MS / 2) });

  test("never costs more than twice what a clairvoyant would have paid", () => {
    fc.assert(
      fc.property(cost, fc.nat(10 * MAX_HOLD_MS), (given, waitMs) => {
        const replayCost = given.replayMs + given.startUpMs;
        const budgetMs = holdBudgetMs(given);
        const paid = waitMs <= budgetMs ? waitMs : budgetMs + replayCost;
        const optimum = Math.min(waitMs, replayCost);
        expect(paid).toBeLessThanOrEqual(2 * optimum);
      }),
    );
  });

  test("is bounded, whatever a replay costs", () => {
    expect(holdBudgetMs({ replayMs: 1e9, startUpMs: 20 })).toBe(MAX_HOLD_MS);
    expect(holdBudgetMs({ replayMs: -5, startUpMs: -5 })).toBe(0);
  });
});

interface Wait {
  readonly calls: readonly string[];
  readonly maps: readonly { readonly map: number; readonly ids: readonly string[] }[];
  readonly others: readonly string[];
  readonly order: readonly SettledCall[];
  readonly gapsMs: readonly number[];
  readonly replayMs: number;
}

/** A parent that waits for calls and maps, and the order in which what it called settles. */
const wait: fc.Arbitrary<Wait> = fc
  .record({
    calls: fc.nat(4),
    maps: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }),
    others: fc.nat(3),
    replayMs: fc.nat(100),
    seed: fc.array(
      fc.record({ key: fc.nat(), failed: fc.boolean(), tolerated: fc.boolean(), gap: fc.nat(80) }),
      {
        minLength: 15,
        maxLength: 15,
      },
    ),
  })
  .filter(({ calls, maps }) => calls + maps.length > 0)
  .map(({ calls, maps, others, replayMs, seed }) => {
    const callIds = Array.from({ length: calls }, (_, i) => `c${i}`);
    const mapIds = maps.map((size, map) => ({
      map,
      ids: Array.from({ length: size }, (_, i) => `m${map}-${i}`),
    }));
    const otherIds = Array.from({ length: others }, (_, i) => `o${i}`);
    const all = [
      ...callIds.map((id) => ({ id, map: null })),
      ...mapIds.flatMap(({ map, ids }) => ids.map((id) => ({ id, map }))),
      ...otherIds.map((id) => ({ id, map: null })),
    ].map((call, i) => ({ call, at: seed[i % seed.length]! }));
    all.sort((a, b) => a.at.key - b.at.key);
    return {
      calls: callIds,
      maps: mapIds,
      others: otherIds,
      order: all.map(({ call, at }) => ({
        ...call,
        failed: at.failed && at.key % 5 === 0,
        tolerated: at.tolerated,
      })),
      gapsMs: all.map(({ at }) => at.gap),
      replayMs,
    };
  });

describe("when a parked parent is woken", () => {
  test("is never later than it must be", () => {
    fc.assert(
      fc.property(wait, (given) => {
        let waits: Waits = {
          calls: given.calls,
          maps: given.maps.map(({ map, ids }) => ({ map, unsettled: ids.length })),
          replayMs: given.replayMs,
          firstMs: null,
        };
        let nowMs = 0;
        let firstMs: number | null = null;
        const settled = new Set<string>();
        for (const [i, call] of given.order.entries()) {
          nowMs += given.gapsMs[i] ?? 0;
          // A timer that was asked for fires before this call settles.
          if (firstMs !== null && nowMs >= firstMs + given.replayMs) return;
          settled.add(call.id);
          if (given.calls.includes(call.id)) firstMs ??= nowMs;
          const wake = wakeAfter(waits, [call], given.order.length - i - 1, nowMs);
          const isDone = (ids: readonly string[]): boolean =>
            ids.length > 0 && ids.every((id) => settled.has(id));
          const must =
            i === given.order.length - 1 ||
            (call.failed && !call.tolerated) ||
            (isDone(given.calls) && given.calls.includes(call.id)) ||
            given.maps.some(({ ids }) => isDone(ids)) ||
            (firstMs !== null && given.replayMs === 0);
          expect(wake.kind === "now").toBe(must);
          if (wake.kind === "now") return;
          if (firstMs !== null) expect(wake).toMatchObject({ kind: "at", dueMs: firstMs + given.replayMs });
          else expect(wake.kind).toBe("wait");
          waits = wake.waits;
        }
      }),
      { numRuns: 500 },
    );
  });

  test("does not depend on how results are batched", () => {
    fc.assert(
      fc.property(wait, (given) => {
        const waits: Waits = {
          calls: given.calls,
          maps: given.maps.map(({ map, ids }) => ({ map, unsettled: ids.length })),
          replayMs: given.replayMs + 1,
          firstMs: null,
        };
        let one: ReturnType<typeof wakeAfter> = { kind: "wait", waits };
        const batch: SettledCall[] = [];
        for (const call of given.order) {
          batch.push(call);
          if (one.kind === "now") break;
          one = wakeAfter(one.waits, [call], given.order.length - batch.length, 0);
          const whole = wakeAfter(waits, batch, given.order.length - batch.length, 0);
          expect(whole).toEqual(one);
        }
      }),
    );
  });

  test("takes any result when there are too many calls to list", () => {
    const waits: Waits = { calls: null, maps: [], replayMs: 50, firstMs: null };
    const call = { id: "x", map: null, failed: false, tolerated: false };
    expect(wakeAfter(waits, [call], 5, 10)).toMatchObject({ kind: "at", dueMs: 60 });
    expect(wakeAfter(waits, [{ ...call, map: 3 }], 5, 10).kind).toBe("wait");
  });
});

describe("parking", () => {
  test.each(["never", "auto", "always"] as const)("changes no result (suspend: %s)", async (suspend) => {
    const env = environment();
    const add = env.task(async function add({ a, b }: { a: number; b: number }) {
      return a + b;
    });
    const slow = env.task(async function slow(x: number) {
      await sleep(x * 1_000);
      return x;
    });
    const fibonacci = env.task({ name: "fibonacci" }, async (n: number): Promise<number> => {
      if (n < 2) return n;
      const [a, b] = await Promise.all([fibonacci(n - 1), fibonacci(n - 2)]);
      return add({ a, b });
    });
    const main = env.task(async function main() {
      const sums: number[] = [];
      for (let i = 0; i < 4; i++) sums.push(await add({ a: i, b: i }));
      const nested = await group("nested", () =>
        Promise.all([1, 2, 3].map(async (x) => (await slow(x)) * (await add({ a: x, b: 1 })))),
      );
      const first = await Promise.race([slow(9), slow(4), slow(6)]);
      const settled = await Promise.allSettled([add({ a: 1, b: 1 }), slow(1)]);
      const mapped = await map(slow, [3, 1, 2], { concurrency: 2 });
      return { sums, nested, first, settled, mapped, fib: await fibonacci(6) };
    });
    const h = await harness({ suspend });
    expect(await (await h.run(main)).result()).toEqual({
      sums: [0, 2, 4, 6],
      nested: [2, 6, 12],
      first: 4,
      settled: [
        { status: "fulfilled", value: 2 },
        { status: "fulfilled", value: 1 },
      ],
      mapped: [3, 1, 2],
      fib: 8,
    });
  });

  test("never replays when parents are always held", async () => {
    const env = environment();
    const main = env.task(async function main() {
      for (let i = 0; i < 10; i++) await sleep("1d");
    });
    const h = await harness({ suspend: "never" });
    await (await h.run(main)).result();
    expect(h.executions(main)).toBe(1);
  });

  test.each(["auto", "always"] as const)("wakes a map once (suspend: %s)", async (suspend) => {
    const env = environment();
    const item = env.task(async function item(x: number) {
      await sleep(x * 60_000);
      return x;
    });
    const main = env.task(async function main() {
      return (await map(item, [5, 1, 4, 2, 3])).reduce((sum, x) => sum + x, 0);
    });
    const h = await harness({ suspend });
    expect(await (await h.run(main)).result()).toBe(15);
    expect(h.executions(main)).toBe(2);
  });

  test("wakes for the first of several results after at most the cost of a replay", async () => {
    const env = environment();
    const seen: [number, number][] = [];
    const main = env.task(async function main() {
      await Promise.all(
        [1, 2, 3].map(async (x) => {
          await sleep(x * 3_600_000);
          seen.push([x, h.now() - startMs]);
        }),
      );
    });
    const startMs = 1_000_000;
    const h = await harness({ startMs });
    await (await h.run(main)).result();
    // The cost of a replay is what starting takes: 20 ms. The last result is awaited alone.
    expect(seen.filter(([x], i) => seen.findIndex(([y]) => y === x) === i)).toEqual([
      [1, 3_600_020],
      [2, 7_200_020],
      [3, 10_800_000],
    ]);
    expect(h.executions(main)).toBe(4);
  });

  test("wakes at once for a failure", async () => {
    const env = environment();
    const item = env.task(async function item(x: number) {
      await sleep(x * 3_600_000);
      if (x === 2) throw new Error("no");
      return x;
    });
    const main = env.task(async function main() {
      try {
        await map(item, [1, 2, 900]);
        return null;
      } catch {
        return h.now();
      }
    });
    const h = await harness({ startMs: 0 });
    expect(await (await h.run(main)).result()).toBe(2 * 3_600_000);
  });

  test("lets a map that tolerates failures sleep through them", async () => {
    const env = environment();
    const item = env.task(async function item(x: number) {
      await sleep(x * 3_600_000);
      if (x < 3) throw new Error("no");
      return x;
    });
    const main = env.task(async function main() {
      return (await map(item, [1, 2, 3], { settle: true })).map(({ status }) => status);
    });
    const h = await harness();
    expect(await (await h.run(main)).result()).toEqual(["rejected", "rejected", "fulfilled"]);
    expect(h.executions(main)).toBe(2);
  });

  test("frees the slot of a parent that waits: one slot is enough for any depth", async () => {
    const env = environment();
    const down = env.task({ name: "down" }, async (depth: number): Promise<number> => {
      return depth === 0 ? 0 : 1 + (await down(depth - 1));
    });
    for (const suspend of ["never", "auto", "always"] as const) {
      const h = await harness({ slots: 1, suspend });
      expect(await (await h.run(down, 20)).result()).toBe(20);
    }
  });

  test("parks before the backend ends the process", async () => {
    const env = environment();
    let goOn = (): void => undefined;
    const main = env.task(async function main() {
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      await sleep("1m");
      return "done";
    });
    const h = await harness({ clock: "manual", runnerLifeMs: 65_000 });
    const run = await h.run(main);
    await h.advance("1m");
    // A replay would cost a minute, so it would be held for as long as parents are held at all.
    goOn();
    await h.advance("2s");
    expect((await run.actions())[0]?.phase).toBe("running");
    await h.advance("1s");
    expect((await run.actions())[0]?.phase).toBe("suspended");
    await h.killRunner();
    await h.advance("1m");
    goOn();
    await h.advance("1m");
    expect(await run.result()).toBe("done");
    expect((await run.actions())[0]).toMatchObject({ attempt: 1, system_failures: 0 });
  });

  test("goes on anywhere: whoever has a slot takes a parked parent", async () => {
    const env = environment();
    const main = env.task(async function main() {
      let sum = 0;
      for (let i = 1; i <= 5; i++) {
        await sleep(i * 1_000);
        sum += i;
      }
      return sum;
    });
    const h = await harness({ suspend: "always", runners: 3, slots: 1 });
    const runs = await Promise.all(Array.from({ length: 10 }, () => h.run(main)));
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual(Array(10).fill(15));
    expect(h.executions(main)).toBe(60);
  });
});
