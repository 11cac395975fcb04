import { describe, expect, test } from "vitest";
import { ctx, withContext } from "../../src/sdk/context.ts";
import { TaskEnvironment } from "../../src/sdk/environment.ts";
import { group } from "../../src/sdk/group.ts";
import { FakeSession } from "./fake-session.ts";

const env = new TaskEnvironment({ name: "scopes" });
const leaf = env.task(async function leaf() {
  return ctx().context;
});
const plain = env.task(async function plain(n: number) {
  return n;
});

describe("group", () => {
  test("labels the calls inside, and nests", async () => {
    const session = new FakeSession();
    await session.run(async () => {
      await plain(0);
      await group("load", async () => {
        await plain(1);
        await Promise.all([group("files", () => plain(2)), group("tables", () => plain(3)), plain(4)]);
      });
      await plain(5);
    });
    const groups = session.calls.map(({ input, options }) => [input, options.group]);
    expect(groups).toEqual([
      [0, undefined],
      [1, "load"],
      [2, "load/files"],
      [3, "load/tables"],
      [4, "load"],
      [5, undefined],
    ]);
  });

  test("gives what the function gives, here and outside a run", () => {
    expect(group("any", () => 7)).toBe(7);
    expect(new FakeSession().run(() => group("any", () => 7))).toBe(7);
    expect(() => group("", () => 7)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });
});

describe("custom context", () => {
  test("flows to the tasks that are called inside", async () => {
    const session = new FakeSession({ context: { tenant: "acme" } });
    const contexts = await session.run(async () => [
      await leaf(),
      await withContext({ color: "red" }, () => leaf()),
      await withContext({ tenant: "other" }, () =>
        group("g", () => withContext({ color: "blue" }, () => leaf())),
      ),
      await leaf(),
    ]);
    expect(contexts).toEqual([
      { tenant: "acme" },
      { tenant: "acme", color: "red" },
      { tenant: "other", color: "blue" },
      { tenant: "acme" },
    ]);
    expect(session.calls[2]?.options).toEqual({ group: "g", context: { tenant: "other", color: "blue" } });
  });

  test("is seen by the function itself", () => {
    const session = new FakeSession();
    expect(session.run(() => withContext({ a: "1" }, () => ctx().context))).toEqual({ a: "1" });
    expect(withContext({ a: "1" }, () => 7)).toBe(7);
    expect(() => withContext({ a: 1 } as never, () => 7)).toThrow("takes a text");
  });
});

describe("ctx", () => {
  test("tells where the task is, and gives its log, signal and checkpoint", async () => {
    const session = new FakeSession();
    await session.run(async () => {
      const context = ctx();
      expect(context).toMatchObject({
        run: "r1",
        action: "a0",
        attempt: 1,
        task: "test.main",
        mustEndMs: null,
      });
      context.log.info("loaded", { rows: 3 });
      await context.checkpoint.save({ done: 3 });
      expect(ctx().checkpoint.load()).toEqual({ done: 3 });
      session.controller.abort();
      expect(context.signal.aborted).toBe(true);
    });
    expect(session.logged).toEqual(["loaded"]);
  });

  test("exists in a task only", () => {
    expect(() => ctx()).toThrow(expect.objectContaining({ code: "NOT_IN_TASK" }));
  });
});
