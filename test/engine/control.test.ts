import { describe, expect, test } from "vitest";
import { AbortedError, ctx, map, sleep } from "../../src/index.ts";
import { environment, errorOf, failureOf, harness } from "./harness.ts";

describe("abort", () => {
  test("ends a run, everything in it, and whoever waits for it", async () => {
    const env = environment();
    const leaf = env.task(async function leaf(_: number) {
      await sleep("1h");
    });
    const middle = env.task(async function middle(x: number) {
      await leaf(x);
    });
    const main = env.task(async function main() {
      await Promise.all([middle(1), middle(2), sleep("1d")]);
    });
    const h = await harness({ clock: "manual" });
    const run = await h.run(main);
    await h.advance("1m");
    await run.abort("a person said so");
    await run.abort("twice changes nothing");
    expect((await run.wait()).phase).toBe("aborted");
    const error = await errorOf(run.result());
    expect(error).toBeInstanceOf(AbortedError);
    expect(error.message).toContain("a person said so");
    expect(new Set((await run.actions()).map(({ phase }) => phase))).toEqual(new Set(["aborted"]));
    await h.advance("2d");
    expect(h.executions(main)).toBe(1);
  });

  test("stops user code by its signal", async () => {
    const env = environment();
    let reason: unknown;
    const main = env.task(async function main() {
      const { signal } = ctx();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      reason = signal.reason;
    });
    const h = await harness({ clock: "manual" });
    const run = await h.run(main);
    await h.advance("1s");
    await h.abort(run, { reason: "enough" });
    await h.advance("1s");
    expect(reason).toBeInstanceOf(AbortedError);
    expect(String(reason)).toContain("enough");
  });

  test.each(["never", "always"] as const)(
    "of an action is an error that its parent can catch (suspend: %s)",
    async (suspend) => {
      const env = environment();
      const child = env.task(async function child() {
        await sleep("1h");
        return "done";
      });
      const main = env.task(async function main() {
        const error = await errorOf<AbortedError>(child());
        await sleep("1s");
        return [error instanceof AbortedError, error.message, error.task];
      });
      const h = await harness({ clock: "manual", suspend });
      const run = await h.run(main);
      await h.advance("1m");
      const [action] = await run.actions(child);
      await h.abort(run, { action: action!.id, reason: "too slow" });
      await h.advance("1m");
      expect(await run.result()).toEqual([true, expect.stringContaining("too slow"), child.fullName]);
      expect((await run.actions()).map(({ phase }) => phase)).toEqual([
        "succeeded",
        "aborted",
        "aborted",
        "succeeded",
      ]);
    },
  );

  test("ends what still runs when a parent returns", async () => {
    const env = environment();
    const slow = env.task(async function slow(x: number) {
      await sleep(x * 1_000);
      return x;
    });
    const main = env.task(async function main() {
      return Promise.race([slow(1), slow(500), slow(900)]);
    });
    const h = await harness();
    const run = await h.run(main);
    expect(await run.result()).toBe(1);
    expect((await run.actions(slow)).map(({ phase }) => phase)).toEqual(["succeeded", "aborted", "aborted"]);
  });

  test("ends the losers of a race when the winner is known", async () => {
    const env = environment();
    const slow = env.task(async function slow(x: number) {
      await sleep(x * 1_000);
      return x;
    });
    const main = env.task(async function main() {
      const all = [slow(500), slow(1), slow(900)];
      const winner = await Promise.race(all);
      for (const each of all) each.abort("lost the race");
      const ends = await Promise.allSettled(all);
      await sleep("1h");
      return [winner, ends.map(({ status }) => status)];
    });
    const h = await harness({ suspend: "always" });
    const run = await h.run(main);
    expect(await run.result()).toEqual([1, ["rejected", "fulfilled", "rejected"]]);
  });

  test("reaches calls that were not even sent", async () => {
    const env = environment();
    const item = env.task(async function item(x: number) {
      await sleep("1h");
      return x;
    });
    const main = env.task(async function main() {
      const all = Array.from({ length: 200 }, (_, x) => item(x));
      for (const each of all) each.abort("changed my mind");
      return (await Promise.allSettled(all)).filter(({ status }) => status === "rejected").length;
    });
    const h = await harness();
    expect(await (await h.run(main)).result()).toBe(200);
    expect(h.now()).toBeLessThan(Date.UTC(2030, 0, 1) + 3_600_000);
  });

  test("of an unknown run or action says so", async () => {
    const env = environment();
    const main = env.task(async function main() {
      return 1;
    });
    const h = await harness();
    const run = await h.run(main);
    await run.result();
    expect(await errorOf(h.abort("r0"))).toMatchObject({ code: "RUN_NOT_FOUND" });
    expect(await errorOf(h.abort(run, { action: "x" }))).toMatchObject({ code: "ACTION_NOT_FOUND" });
    expect(await h.abort(run)).toBe("succeeded");
  });
});

describe("starting again", () => {
  function files(count = 1_000) {
    const env = environment();
    const load = env.task({ name: "load" }, async (x: number): Promise<number> => {
      if (x === 847) throw new Error(`file ${x} is broken`);
      return x * 2;
    });
    const total = env.task(
      { name: "total" },
      async (values: number[]): Promise<number> => values.reduce((sum, x) => sum + x, 0),
    );
    const main = env.task({ name: "main" }, async () => {
      const values: number[] = [];
      for (let at = 0; at < count; at += 100)
        values.push(
          ...(await map(
            load,
            Array.from({ length: Math.min(100, count - at) }, (_, i) => at + i + 1),
          )),
        );
      return total(values);
    });
    return { load, total, main };
  }
  const SUM = 1_000 * 1_001;

  test("recovers: what succeeded is reused, what failed and what never ran is executed", async () => {
    const { load, total, main } = files();
    const h = await harness();
    const run = await h.run(main);
    expect(await failureOf(run)).toMatchObject({ message: "file 847 is broken", task: load.fullName });
    const before = h.executions(load);
    const done = (await run.actions(load)).filter(({ phase }) => phase === "succeeded").length;
    expect(done).toBeGreaterThanOrEqual(800);
    expect(before).toBeLessThanOrEqual(900);
    h.mock(load, async (x) => x * 2);
    const recovered = await h.recover(run);
    expect(await recovered.result()).toBe(SUM);
    expect(h.executions(load) - before).toBe(1_000 - done);
    expect(h.executions(total)).toBe(1);
    const phases = (await recovered.actions(load)).map(({ phase }) => phase);
    expect(phases.filter((phase) => phase === "recovered")).toHaveLength(done);
    expect(phases.filter((phase) => phase === "succeeded")).toHaveLength(1_000 - done);
    expect(await recovered.divergences()).toEqual([]);
  });

  test("recovers one by one to the exact number", async () => {
    const env = environment();
    const load = env.task({ name: "load" }, async (x: number): Promise<number> => {
      if (x === 847) throw new Error("broken");
      return x;
    });
    const main = env.task({ name: "main" }, async () => {
      let sum = 0;
      for (let x = 1; x <= 1_000; x++) {
        const value: number = await load(x);
        sum += value;
      }
      return sum;
    });
    const h = await harness({ suspend: "never" });
    const run = await h.run(main);
    await failureOf(run);
    expect(h.executions(load)).toBe(847);
    h.mock(load, async (x) => x);
    const recovered = await h.recover(run);
    expect(await recovered.result()).toBe(500_500);
    expect(h.executions(load)).toBe(847 + 1 + 153);
    const phases = (await recovered.actions(load)).map(({ phase }) => phase);
    expect(phases.filter((phase) => phase === "recovered")).toHaveLength(846);
    // A recovery of a recovery reuses all of it.
    const again = await h.recover(recovered);
    expect(await again.result()).toBe(500_500);
    expect(h.executions(load)).toBe(847 + 1 + 153);
  });

  test("reruns everything", async () => {
    const { load, main } = files(10);
    const h = await harness();
    const run = await h.run(main);
    await run.result();
    expect(await (await h.rerun(run)).result()).toBe(110);
    expect(h.executions(load)).toBe(20);
  });

  test("executes again what it is told to, by task and by id", async () => {
    const { load, total, main } = files(10);
    const h = await harness();
    const run = await h.run(main);
    await run.result();
    const [first] = await run.actions(load);
    expect(await (await h.recover(run, { force: [total, first!.id] })).result()).toBe(110);
    expect(h.executions(load)).toBe(11);
    expect(h.executions(total)).toBe(2);
  });

  test("reuses what still has the same input when that of the run changed", async () => {
    const env = environment();
    const load = env.task(async function load(x: number) {
      return x;
    });
    const main = env.task(async function main(xs: number[]) {
      return map(load, xs);
    });
    const h = await harness();
    const run = await h.run(main, [1, 2, 3]);
    await run.result();
    expect(await (await h.recover(run, { input: [2, 3, 4] })).result()).toEqual([2, 3, 4]);
    expect(h.executions(load)).toBe(4);
  });

  test("forks: only what has other code is executed again", async () => {
    const { load, total, main } = files(10);
    const h = await harness();
    const run = await h.run(main);
    expect(await run.result()).toBe(110);
    h.mock(total, async (values) => -values.length);
    const kept = await h.fork(run);
    expect(await kept.result()).toBe(110);
    const forked = await h.fork(run, { changedOnly: true });
    expect(await forked.result()).toBe(-10);
    expect(h.executions(load)).toBe(10);
    expect(h.executions(total)).toBe(2);
  });

  test("reuses traces and sleeps too", async () => {
    const env = environment();
    const main = env.task({ name: "main" }, async () => {
      await sleep("10d");
      if (h.executions(main) < 3) throw new Error("broken");
      return "done";
    });
    const h = await harness({ suspend: "always" });
    const run = await h.run(main);
    await failureOf(run);
    const atMs = h.now();
    expect(await (await h.recover(run)).result()).toBe("done");
    expect(h.now() - atMs).toBeLessThan(86_400_000);
  });
});
