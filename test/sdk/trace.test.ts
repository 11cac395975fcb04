import { describe, expect, test } from "vitest";
import { now, random, uuid } from "../../src/sdk/clock.ts";
import { condition } from "../../src/sdk/condition.ts";
import { ctx } from "../../src/sdk/context.ts";
import { TaskEnvironment } from "../../src/sdk/environment.ts";
import { map } from "../../src/sdk/map.ts";
import { sleep } from "../../src/sdk/sleep.ts";
import { trace } from "../../src/sdk/trace.ts";
import { FakeSession } from "./fake-session.ts";

const env = new TaskEnvironment({ name: "traces" });
const child = env.task(async function child() {
  return 1;
});

describe("a traced function", () => {
  let executions = 0;
  const roll = trace(async function roll(sides: number, times: number) {
    executions++;
    return sides * times;
  });

  test("is the plain function outside a run", async () => {
    expect(await roll(6, 2)).toBe(12);
    expect(await trace({ name: "sync" }, (n: number) => n + 1)(1)).toBe(2);
  });

  test("is recorded under its name and arguments, and not executed again", async () => {
    const first = new FakeSession();
    executions = 0;
    expect(await first.run(() => roll(6, 3))).toBe(18);
    expect(first.traces).toMatchObject([{ name: "roll", args: [6, 3] }]);
    expect(await new FakeSession({ journal: first.journal }).run(() => roll(6, 3))).toBe(18);
    expect(executions).toBe(1);
  });

  test("needs a name", () => {
    expect(() => trace(async () => 1)).toThrow(expect.objectContaining({ code: "TASK_NAME_MISSING" }));
    expect(trace({ name: "named" }, async () => 1).name).toBe("named");
  });

  test("refuses what it cannot trace", () => {
    function* numbers() {
      yield 1;
    }
    expect(() => trace(numbers as never)).toThrow("synchronous generator");
    expect(() => trace(7 as never)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
    expect(() => trace({ nmae: "x" } as never, async () => 1)).toThrow("Did you mean `name`?");
  });

  test("cannot call tasks or wait for conditions", async () => {
    const session = new FakeSession();
    const callsTask = trace({ name: "calls_task" }, async () => child());
    const maps = trace({ name: "maps" }, async () => map(child, [undefined]));
    const waits = trace({ name: "waits" }, async () => void (await condition({ name: "ok" })));
    for (const traced of [callsTask, maps, waits]) {
      await expect(session.run(() => traced())).rejects.toMatchObject({ code: "TRACE_NESTED_CALL" });
    }
    expect(session.calls).toEqual([]);
  });

  test("executes nested traces and sleeps as plain code", async () => {
    const session = new FakeSession();
    const outer = trace(async function outer() {
      await sleep(1);
      return roll(2, 2);
    });
    expect(await session.run(() => outer())).toBe(4);
    expect(session.traces.map(({ name }) => name)).toEqual(["outer"]);
    expect(session.sleeps).toEqual([]);
  });

  test("takes nothing from the sequences of its task", async () => {
    const session = new FakeSession();
    const reads = trace(async function reads() {
      return [now(), random(), uuid(), ctx().run];
    });
    const [time, , id, run] = await session.run(() => reads());
    expect(time).toBeGreaterThan(1_000);
    expect(id).not.toContain("uuid-");
    expect(run).toBe("r1");
    expect(session.run(() => random())).toBeLessThan(0.1);
  });
});

describe("a traced generator", () => {
  let executions = 0;
  const count = trace(async function* count(to: number): AsyncGenerator<number, string> {
    executions++;
    for (let n = 1; n <= to; n++) yield n;
    return "done";
  });

  async function readAll(stream: AsyncGenerator<unknown, unknown>): Promise<unknown[]> {
    const items: unknown[] = [];
    for (;;) {
      const next = await stream.next();
      items.push(next.value);
      if (next.done === true) return items;
    }
  }

  test("is the plain generator outside a run", async () => {
    expect(await readAll(count(2))).toEqual([1, 2, "done"]);
  });

  test("streams on the first execution and yields the record on a replay", async () => {
    executions = 0;
    const first = new FakeSession();
    expect(await first.run(() => readAll(count(3)))).toEqual([1, 2, 3, "done"]);
    expect(first.journal).toEqual([{ items: [1, 2, 3], result: "done" }]);
    const replay = new FakeSession({ journal: first.journal });
    expect(await replay.run(() => readAll(count(3)))).toEqual([1, 2, 3, "done"]);
    expect(executions).toBe(1);
  });

  test("gives an item before the next one is made", async () => {
    const gate = Promise.withResolvers<void>();
    const gated = trace(async function* gated() {
      yield "first";
      await gate.promise;
      yield "second";
    });
    const stream = new FakeSession().run(() => gated());
    expect(await stream.next()).toEqual({ done: false, value: "first" });
    gate.resolve();
    expect(await readAll(stream)).toEqual(["second", undefined]);
  });

  test("runs to its end at its own pace, so that the record is complete before the task is parked", async () => {
    const session = new FakeSession();
    const stream = session.run(() => count(100));
    await stream.next();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(session.journal).toHaveLength(1);
    expect(await readAll(stream)).toHaveLength(100);
  });

  test("records what was made when its reader leaves", async () => {
    const session = new FakeSession();
    const slowly = trace(async function* slowly() {
      for (let n = 1; ; n++) {
        yield n;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    });
    await session.run(async () => {
      for await (const n of slowly()) if (n === 2) break;
    });
    await expect.poll(() => session.journal).toHaveLength(1);
    const { items } = session.journal[0] as { items: number[] };
    expect(items.slice(0, 2)).toEqual([1, 2]);
    expect(items.length).toBeLessThan(10);
  });

  test("gives its items, then its failure", async () => {
    const failing = trace(async function* failing() {
      yield 1;
      throw new Error("cut off");
    });
    const stream = new FakeSession().run(() => failing());
    expect(await stream.next()).toEqual({ done: false, value: 1 });
    await expect(stream.next()).rejects.toThrow("cut off");
  });

  test("cannot call tasks", async () => {
    const calls = trace(async function* calls() {
      yield await child();
    });
    await expect(new FakeSession().run(() => readAll(calls()))).rejects.toMatchObject({
      code: "TRACE_NESTED_CALL",
    });
  });

  test("shows live items as the codec carries them", async () => {
    const dates = trace(async function* dates() {
      yield { at: new Date(0), gone: undefined, tags: new Set(["a"]) };
    });
    const [item] = await new FakeSession().run(() => readAll(dates()));
    expect(item).toEqual({ at: new Date(0), tags: new Set(["a"]) });
  });
});
