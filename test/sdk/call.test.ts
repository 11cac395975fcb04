import { describe, expect, test } from "vitest";
import * as z from "zod";
import { invokeTask } from "../../src/sdk/definition.ts";
import { TaskEnvironment } from "../../src/sdk/environment.ts";
import { FakeSession, slowDouble } from "./fake-session.ts";

const env = new TaskEnvironment({ name: "call" });
const double = env.task(async function double(n: number) {
  return 2 * n;
});
const nothing = env.task({ retries: 2 }, async function nothing() {
  return "done";
});
const parsed = env.task(
  { input: z.object({ at: z.coerce.number() }), output: z.string().transform((text) => text.length) },
  async function parsed({ at }) {
    return "x".repeat(at);
  },
);
const slow = env.task({ input: slowDouble }, async function slow(n) {
  return n;
});

describe("outside a run", () => {
  test("a call is a call of the function", async () => {
    const call = double(21);
    expect(call.actionId).toBe("");
    expect(await call).toBe(42);
    expect(await nothing()).toBe("done");
  });

  test("schemas parse what goes in and what comes out", async () => {
    expect(await parsed({ at: "3" })).toBe(3);
    expect(await slow(4)).toBe(8);
  });

  test("an error of the function arrives as it was thrown", async () => {
    const failing = env.task(function failing(): number {
      throw new RangeError("no");
    });
    await expect(failing()).rejects.toBeInstanceOf(RangeError);
  });

  test("aborting rejects the promise", async () => {
    const waiting = env.task(function waiting() {
      return new Promise<void>(() => undefined);
    });
    const call = waiting();
    call.abort("enough");
    await expect(call).rejects.toMatchObject({ code: "ABORTED", message: "enough" });
  });
});

describe("inside a run", () => {
  test("a call is an action with the resolved options and the input as given", async () => {
    const session = new FakeSession();
    const result = await session.run(() => nothing.override({ priority: 5 })());
    expect(result).toBe("done");
    expect(await session.run(() => parsed({ at: "2" }))).toBe(2);
    expect(session.calls).toEqual([
      { task: "call.nothing", input: undefined, options: { retries: { count: 2 }, priority: 5 } },
      { task: "call.parsed", input: { at: "2" }, options: {} },
    ]);
  });

  test("an input that the schema refuses issues nothing", async () => {
    const session = new FakeSession();
    await expect(session.run(() => parsed({ at: "many" }))).rejects.toMatchObject({
      code: "INPUT_INVALID",
      details: { issues: [{ pointer: "/at", message: expect.stringContaining("number") }] },
      message: expect.stringMatching(/^call\.parsed: input refused: .* at \/at \(got "many"\)$/),
    });
    expect(session.calls).toEqual([]);
  });

  test("a schema that takes its time issues the call when it is done", async () => {
    const session = new FakeSession();
    const call = session.run(() => slow(4));
    expect(session.calls).toEqual([]);
    expect(await call).toBe(8);
    expect(session.calls).toEqual([{ task: "call.slow", input: 4, options: {} }]);
    expect(call.actionId).toBe("action-1");
  });

  test("a schema that takes its time refuses before anything is issued", async () => {
    const session = new FakeSession();
    await expect(session.run(() => slow(0.5))).rejects.toMatchObject({
      code: "INPUT_INVALID",
      details: { issues: [{ pointer: "/deep/0/a~1b", message: "must be an integer" }] },
    });
    expect(session.calls).toEqual([]);
  });

  test("the session learns that a late call is awaited only when it is", async () => {
    const session = new FakeSession();
    const call = session.run(() => slow(1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(session.calls).toHaveLength(1);
    expect(session.awaited).toEqual([]);
    expect(await Promise.all([call, call])).toEqual([2, 2]);
    expect(session.awaited).toEqual(["action-1"]);
  });

  test("a late call can be aborted before it was issued", async () => {
    const session = new FakeSession();
    const call = session.run(() => slow(1));
    call.abort("changed my mind");
    await expect(call).rejects.toMatchObject({ code: "ABORTED", message: "changed my mind" });
    expect(session.aborted).toEqual(["action-1"]);
  });

  test("combinators of promises work on calls", async () => {
    const session = new FakeSession();
    const results = session.run(() => Promise.allSettled([double(1), slow(2), parsed({ at: "x" })]));
    expect((await results).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(await session.run(() => slow(3).finally(() => undefined))).toBe(6);
    expect(await session.run(() => slow(0.5).catch(() => "caught"))).toBe("caught");
  });
});

describe("a runner", () => {
  test("executes a definition with parsed values", async () => {
    expect(await invokeTask(parsed.definition, { at: "4" })).toBe(4);
    expect(await invokeTask(nothing.definition, undefined)).toBe("done");
  });

  test("is told when the result does not fit", async () => {
    const wrong = env.task({ output: z.object({ rows: z.array(z.number()) }) }, async function wrong() {
      return { rows: [1, "two"] as number[] };
    });
    await expect(invokeTask(wrong.definition, undefined)).rejects.toMatchObject({
      code: "OUTPUT_INVALID",
      details: { issues: [{ pointer: "/rows/1", message: expect.any(String) }] },
      message: expect.stringContaining('(got "two")'),
    });
  });
});
