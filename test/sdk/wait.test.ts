import { describe, expect, test } from "vitest";
import * as z from "zod";
import { now, random, uuid } from "../../src/sdk/clock.ts";
import { condition } from "../../src/sdk/condition.ts";
import { sleep, timer } from "../../src/sdk/sleep.ts";
import { FakeSession } from "./fake-session.ts";

describe("time and chance", () => {
  test("come from the session in a task", () => {
    const session = new FakeSession();
    expect(session.run(() => [now(), random(), uuid()])).toEqual([1_000, 0.001, "uuid-2"]);
  });

  test("are the real ones elsewhere", () => {
    expect(Math.abs(now() - Date.now())).toBeLessThan(1_000);
    expect(random()).toBeLessThan(1);
    expect(uuid()).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("sleep", () => {
  test("is durable in a task", async () => {
    const session = new FakeSession();
    await session.run(async () => {
      await sleep("10s");
      await sleep(250);
    });
    expect(session.sleeps).toEqual([10_000, 250]);
  });

  test("is a timer elsewhere, that can be aborted", async () => {
    const startedMs = Date.now();
    await sleep("20ms");
    expect(Date.now() - startedMs).toBeGreaterThanOrEqual(15);
    const long = sleep("30d");
    long.abort();
    await expect(long).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("refuses what is not a duration", () => {
    for (const duration of ["soon", -1, Number.NaN, undefined]) {
      expect(() => sleep(duration as string)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
    }
  });

  test("longer than a timer can be does not end at once", async () => {
    const controller = new AbortController();
    const long = timer(2 ** 31 + 5, controller.signal);
    expect(await Promise.race([long.then(() => "woke"), timer(10).then(() => "asleep")])).toBe("asleep");
    controller.abort(new Error("stop"));
    await expect(long).rejects.toThrow("stop");
  });
});

describe("condition", () => {
  const schema = z.object({ approved: z.boolean(), at: z.coerce.date() });

  test("asks with a JSON Schema and parses the answer", async () => {
    const session = new FakeSession();
    session.answer = { approved: true, at: "2026-01-01" };
    const answer = await session.run(() =>
      condition({ name: "release", prompt: "Go?", schema, timeout: "1d" }),
    );
    expect(answer).toEqual({ approved: true, at: new Date("2026-01-01") });
    expect(session.conditions).toEqual([
      {
        name: "release",
        prompt: "Go?",
        timeoutMs: 86_400_000,
        schema: expect.objectContaining({ type: "object", required: expect.arrayContaining(["approved"]) }),
      },
    ]);
  });

  test("takes any answer without a schema", async () => {
    const session = new FakeSession();
    session.answer = "whatever";
    expect(await session.run(() => condition({ name: "any" }))).toBe("whatever");
    expect(session.conditions).toEqual([{ name: "any", prompt: null, schema: null, timeoutMs: null }]);
  });

  test("fails when the answer does not fit", async () => {
    const session = new FakeSession();
    session.answer = { approved: "maybe", at: 0 };
    await expect(session.run(() => condition({ name: "release", schema }))).rejects.toMatchObject({
      code: "INPUT_INVALID",
      message: expect.stringContaining("release: answer refused"),
    });
  });

  test("is not awaited until somebody awaits it", async () => {
    const session = new FakeSession();
    session.answer = { approved: true, at: 0 };
    const answer = session.run(() => condition({ name: "release", schema }));
    await timer(5);
    expect(session.awaited).toEqual([]);
    await answer;
    expect(session.awaited).toEqual([answer.actionId]);
  });

  test("needs a run and a name", () => {
    expect(() => condition({ name: "x" })).toThrow(expect.objectContaining({ code: "NOT_IN_TASK" }));
    expect(() => condition({ name: "" })).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
    expect(() => condition({ name: "x", promt: "?" } as never)).toThrow("Did you mean `prompt`?");
  });
});
