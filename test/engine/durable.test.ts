import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  ConditionTimedOutError,
  condition,
  ctx,
  GodwitError,
  now,
  random,
  sleep,
  TaskError,
  trace,
  uuid,
  withContext,
} from "../../src/index.ts";
import { environment, errorOf, harness } from "./harness.ts";

describe("traces", () => {
  test("are executed once, however often their task is replayed", async () => {
    const env = environment();
    let calls = 0;
    const fetchPage = trace(async function fetchPage(url: string) {
      calls += 1;
      return { url, at: calls };
    });
    const main = env.task(async function main() {
      const first = await fetchPage("a");
      await sleep("1h");
      const again = await fetchPage("a");
      await sleep("1h");
      return [first, again, await fetchPage("b")];
    });
    const h = await harness({ suspend: "always" });
    expect(await (await h.run(main)).result()).toEqual([
      { url: "a", at: 1 },
      { url: "a", at: 2 },
      { url: "b", at: 3 },
    ]);
    expect(calls).toBe(3);
    expect(h.executions(main)).toBeGreaterThan(2);
  });

  test("record that there was no result", async () => {
    const env = environment();
    let calls = 0;
    const notify = trace(async function notify() {
      calls += 1;
    });
    const main = env.task(async function main() {
      const result = await notify();
      await sleep("1h");
      return result === undefined;
    });
    const h = await harness({ suspend: "always" });
    expect(await (await h.run(main)).result()).toBe(true);
    expect(calls).toBe(1);
  });

  test("record errors with their name, data and kind", async () => {
    const env = environment();
    let calls = 0;
    const charge = trace(async function charge() {
      calls += 1;
      if (calls === 1) throw Object.assign(new RangeError("declined"), { limit: 100 });
      throw new GodwitError("CAPACITY", "no room");
    });
    const main = env.task(async function main() {
      const own = await errorOf<TaskError>(charge());
      await sleep("1h");
      const platform = await errorOf<GodwitError>(charge());
      await sleep("1h");
      return [
        [own instanceof TaskError, own.name, own.message, own.data, own.kind],
        [platform.code, platform.kind],
      ];
    });
    const h = await harness({ suspend: "always" });
    expect(await (await h.run(main)).result()).toEqual([
      [true, "RangeError", "declined", { limit: 100 }, "user"],
      ["CAPACITY", new GodwitError("CAPACITY", "").kind],
    ]);
    expect(calls).toBe(2);
  });

  test("replay what a generator yielded", async () => {
    const env = environment();
    let opened = 0;
    const stream = trace(async function* stream(count: number) {
      opened += 1;
      for (let i = 0; i < count; i++) yield `token ${i} of opening ${opened}`;
      return count;
    });
    const main = env.task(async function main() {
      const seen: string[] = [];
      for await (const token of stream(3)) seen.push(token);
      await sleep("1h");
      return seen;
    });
    const h = await harness({ suspend: "always" });
    expect(await (await h.run(main)).result()).toEqual([0, 1, 2].map((i) => `token ${i} of opening 1`));
    expect(opened).toBe(1);
  });

  test("survive the runner that executed them", async () => {
    const env = environment();
    let calls = 0;
    const once = trace(async function once() {
      calls += 1;
      return calls;
    });
    const main = env.task({ name: "main" }, async () => {
      const value = await once();
      if (h.executions(main) === 1) await new Promise(() => undefined);
      return value;
    });
    const h = await harness({ clock: "manual" });
    const run = await h.run(main);
    await h.advance("1s");
    await h.killRunner();
    await h.advance("1s");
    expect(await run.result()).toBe(1);
    expect(calls).toBe(1);
  });
});

describe("time and chance", () => {
  test("are the same on every replay, in every attempt and in a recovered run", async () => {
    const env = environment();
    const seen: string[] = [];
    const step = env.task(async function step(at: number) {
      return [at, now(), random(), uuid()];
    });
    const main = env.task({ name: "main", retries: 1 }, async () => {
      const start = [now(), random(), uuid(), random()];
      const first = await step(now());
      await sleep("1h");
      const end = [now(), uuid(), first, await step(now())];
      seen.push(JSON.stringify([start, end]));
      if (seen.length < 3) throw new Error("again");
      return 1;
    });
    const h = await harness({ suspend: "always" });
    const run = await h.run(main);
    await errorOf(run.result());
    await h.advance("5d");
    const recovered = await h.recover(run);
    expect(await recovered.result()).toBe(1);
    expect(new Set(seen).size).toBe(1);
    expect(seen).toHaveLength(3);
    expect(h.executions(step)).toBe(2);
    expect(recovered.id).not.toBe(run.id);
  });

  test("go on with the results that a task sees", async () => {
    const env = environment();
    const main = env.task(async function main() {
      const times = [now()];
      await sleep("1h");
      times.push(now());
      await sleep("2h");
      times.push(now());
      return times.map((ms) => ms - (times[0] ?? 0));
    });
    const h = await harness();
    expect(await (await h.run(main)).result()).toEqual([0, 3_600_000, 10_800_000]);
  });

  test("differ between runs and between actions", async () => {
    const env = environment();
    const child = env.task(async function child(_: number) {
      return uuid();
    });
    const main = env.task(async function main() {
      return [uuid(), uuid(), await child(1), await child(2), await child(2)];
    });
    const h = await harness();
    const all = [...(await (await h.run(main)).result()), ...(await (await h.run(main)).result())];
    expect(new Set(all).size).toBe(10);
  });
});

describe("conditions", () => {
  const approval = z.object({ approved: z.boolean(), at: z.date().optional() });

  test("give the answer, typed, to a parent that nobody holds", async () => {
    const env = environment();
    const main = env.task(async function main() {
      const { approved } = await condition({
        name: "release",
        prompt: "Release?",
        schema: z.object({ approved: z.boolean() }),
      });
      return approved ? "released" : "held back";
    });
    const h = await harness({ clock: "manual" });
    const run = await h.run(main);
    await h.advance("90d");
    expect((await run.actions()).map(({ phase }) => phase)).toEqual(["suspended", "paused"]);
    await h.killRunner({ isReplaced: false });
    await h.signal(run, "release", { approved: true });
    h.addRunner();
    await h.advance("1s");
    expect(await run.result()).toBe("released");
  });

  test("can be answered while the parent is held", async () => {
    const env = environment();
    const main = env.task(async function main() {
      return condition({ name: "answer" });
    });
    const h = await harness({ clock: "manual", suspend: "never" });
    const run = await h.run(main);
    await h.settle();
    await h.signal(run, "answer", 42);
    await h.settle();
    expect(await run.result()).toBe(42);
    expect(h.executions(main)).toBe(1);
  });

  test("take the same answer twice and refuse another", async () => {
    const env = environment();
    const main = env.task(async function main() {
      const answer = await condition({ name: "release" });
      await sleep("1h");
      return answer;
    });
    const h = await harness();
    const run = await h.run(main);
    await h.settle();
    await h.signal(run, "release", { b: 1, a: 2 });
    await h.signal(run, "release", { a: 2, b: 1 });
    expect(await errorOf(h.signal(run, "release", { a: 3 }))).toMatchObject({ code: "CONDITION_CONFLICT" });
    expect(await errorOf(h.signal(run, "other", 1))).toMatchObject({ code: "CONDITION_NOT_FOUND" });
    expect(await run.result()).toEqual({ a: 2, b: 1 });
  });

  test("fail with an error of their own when nobody answers in time", async () => {
    const env = environment();
    const main = env.task(async function main() {
      try {
        return await condition({ name: "release", schema: approval, timeout: "7d" });
      } catch (error) {
        return [error instanceof ConditionTimedOutError, (error as Error).message, now()];
      }
    });
    const h = await harness({ startMs: 0 });
    const run = await h.run(main);
    expect(await run.result()).toEqual([true, expect.stringContaining("release"), 7 * 86_400_000]);
    expect(await errorOf(h.signal(run, "release", { approved: true }))).toMatchObject({
      code: "CONDITION_CONFLICT",
    });
  });

  test("that race lose without trace", async () => {
    const env = environment();
    const main = env.task(async function main() {
      const answer = condition({ name: "stop" });
      const winner = await Promise.race([answer, sleep("1h").then(() => "time")]);
      if (winner === "time") answer.abort("nobody stopped it");
      return winner;
    });
    const h = await harness();
    const run = await h.run(main);
    expect(await run.result()).toBe("time");
    expect((await run.actions()).map(({ kind, phase }) => [kind, phase])).toEqual([
      ["task", "succeeded"],
      ["condition", "aborted"],
      ["sleep", "succeeded"],
    ]);
  });
});

describe("checkpoints", () => {
  test("are given to the next attempt", async () => {
    const env = environment();
    const seen: unknown[] = [];
    const main = env.task({ retries: 3 }, async function main() {
      const done = (ctx().checkpoint.load() as number | undefined) ?? 0;
      seen.push(done);
      await ctx().checkpoint.save(done + 10);
      if (done < 20) throw new Error("again");
      return done;
    });
    const h = await harness();
    expect(await (await h.run(main)).result()).toBe(20);
    expect(seen).toEqual([0, 10, 20]);
  });

  test("survive a killed runner", async () => {
    const env = environment();
    const main = env.task({ name: "main" }, async () => {
      const before = ctx().checkpoint.load();
      if (before === undefined) {
        await ctx().checkpoint.save({ step: 3, at: new Date(0) });
        await new Promise(() => undefined);
      }
      return before;
    });
    const h = await harness({ clock: "manual" });
    const run = await h.run(main);
    await h.advance("1s");
    await h.killRunner();
    await h.advance("1s");
    expect(await run.result()).toEqual({ step: 3, at: new Date(0) });
  });

  test("do not change under a task that is parked", async () => {
    const env = environment();
    const step = env.task(async function step(x: number) {
      return x;
    });
    const main = env.task({ name: "main", retries: 1 }, async () => {
      const done = (ctx().checkpoint.load() as number | undefined) ?? 0;
      const results: number[] = [];
      for (let i = done; i < done + 3; i++) {
        results.push(await step(i));
        await ctx().checkpoint.save(i + 1);
      }
      if (done === 0) throw new Error("the first attempt fails");
      return results;
    });
    const h = await harness({ suspend: "always" });
    const run = await h.run(main);
    expect(await run.result()).toEqual([3, 4, 5]);
    expect(h.executions(step)).toBe(6);
    expect(await run.divergences()).toEqual([]);
  });

  test("let the next attempt leave out the calls before them, and give their results to one that makes them", async () => {
    const env = environment();
    const step = env.task(async function step(x: number) {
      return x;
    });
    const main = env.task({ name: "main", retries: 1 }, async () => {
      if (ctx().checkpoint.load() === undefined) {
        await step(1);
        await step(2);
        await ctx().checkpoint.save(true);
        await step(3);
        throw new Error("the first attempt fails");
      }
      // Neither 1 nor 3 again; 2 late.
      const fresh = await Promise.all([step(4), step(5)]);
      return [...fresh, await step(2)];
    });
    const h = await harness({ clock: "manual" });
    const run = await h.run(main);
    await h.advance("4s");
    expect((await run.actions())[0]?.phase).toBe("running");
    await h.advance("2s");
    expect(await run.result()).toEqual([4, 5, 2]);
    expect(h.executions(step)).toBe(5);
    // What came after the checkpoint is missed, and nothing else.
    expect(await run.divergences()).toHaveLength(1);
  });
});

describe("context", () => {
  test("flows to grandchildren, and a nearer value wins", async () => {
    const env = environment();
    const leaf = env.task(async function leaf(_: string) {
      return ctx().context;
    });
    const middle = env.task(async function middle() {
      const plain = await leaf("plain");
      await sleep("1h");
      return [plain, await withContext({ tenant: "acme" }, () => leaf("inside"))];
    });
    const main = env.task(async function main() {
      return [ctx().context, await middle(), await withContext({ step: "2" }, () => middle())];
    });
    const h = await harness({ suspend: "always" });
    const run = await h.run(main, undefined, { context: { tenant: "me", region: "eu" } });
    const base = { tenant: "me", region: "eu" };
    expect(await run.result()).toEqual([
      base,
      [base, { ...base, tenant: "acme" }],
      [
        { ...base, step: "2" },
        { ...base, step: "2", tenant: "acme" },
      ],
    ]);
  });
});
