import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoffMs, decideRetry, type RetryPolicy, SYSTEM_RETRIES } from "../../src/core/retry.ts";
import {
  GodwitError,
  InterruptedError,
  NonRecoverableError,
  OutOfMemoryError,
  RetriesExhaustedError,
  RunFailedError,
  sleep,
  TaskError,
  TimeLimitError,
} from "../../src/index.ts";
import { environment, errorOf, failureOf, harness } from "./harness.ts";

const policy: fc.Arbitrary<RetryPolicy> = fc.record(
  {
    count: fc.nat(20),
    delayMs: fc.nat(60_000),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    maxDelayMs: fc.nat(600_000),
    jitter: fc.constantFrom("full" as const, "none" as const),
  },
  { requiredKeys: ["count"] },
);
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const user = { code: "TASK_FAILED", name: "Error", kind: "user", retryable: true };
const system = { code: "RUNNER_LOST", name: "InterruptedError", kind: "system", retryable: true };

describe("the rule", () => {
  test("never delays longer than the cap, and without jitter never shorter than before", () => {
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 60 }), random, (given, nth, chance) => {
        const delay = backoffMs(given, nth, chance);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(given.maxDelayMs ?? 300_000);
        expect(Number.isInteger(delay)).toBe(true);
        const steady = { ...given, jitter: "none" as const };
        expect(backoffMs(steady, nth + 1, 0)).toBeGreaterThanOrEqual(backoffMs(steady, nth, 0));
        expect(delay).toBeLessThanOrEqual(backoffMs(steady, nth, 0));
      }),
    );
  });

  test("grows by the factor from the first delay", () => {
    const given = { count: 5, delayMs: 100, factor: 3, jitter: "none", maxDelayMs: 2_000 } as const;
    expect([1, 2, 3, 4, 5].map((nth) => backoffMs(given, nth, 0))).toEqual([100, 300, 900, 2_000, 2_000]);
    expect(backoffMs({ count: 1 }, 1, 0.5)).toBe(0);
    expect(backoffMs({ count: 1, delayMs: 100 }, 1, 0.5)).toBe(50);
  });

  test("gives count + 1 attempts, whatever the platform did meanwhile", () => {
    fc.assert(
      fc.property(
        policy,
        fc.nat(SYSTEM_RETRIES),
        fc.nat(30),
        random,
        (given, systemFailures, userFailures, chance) => {
          const failed = { error: user, userFailures: userFailures + 1, systemFailures, random: chance };
          expect(decideRetry(given, failed).retry).toBe(userFailures < given.count);
        },
      ),
    );
  });

  test("retries the platform's failures on a budget of their own", () => {
    fc.assert(
      fc.property(policy, fc.nat(30), fc.nat(30), random, (given, systemFailures, userFailures, chance) => {
        const failed = { error: system, userFailures, systemFailures: systemFailures + 1, random: chance };
        const decision = decideRetry(given, failed);
        expect(decision.retry).toBe(systemFailures < SYSTEM_RETRIES);
        if (decision.retry) expect(decision).toMatchObject({ budget: "system" });
        if (systemFailures === 0) expect(decision).toMatchObject({ delayMs: 0 });
      }),
    );
  });

  test.each([
    [{ count: 9, only: ["RateLimit"] }, "RateLimit", true],
    [{ count: 9, only: ["RateLimit"] }, "TypeError", false],
    [{ count: 9, only: ["TASK_FAILED"] }, "TypeError", true],
    [{ count: 9, never: ["TypeError"] }, "TypeError", false],
    [{ count: 9, never: ["TypeError"] }, "RateLimit", true],
    [{ count: 9, only: ["TypeError"], never: ["TypeError"] }, "TypeError", false],
  ] as const)("%j and a %s", (given, name, retry) => {
    const failed = { error: { ...user, name }, userFailures: 1, systemFailures: 0, random: 0 };
    expect(decideRetry(given, failed).retry).toBe(retry);
  });
});

describe("attempts", () => {
  test("fails with the error itself when no retries were asked for", async () => {
    const env = environment();
    const main = env.task(async function main() {
      throw new TypeError("no such field");
    });
    const h = await harness();
    const run = await h.run(main);
    const error = await errorOf<RunFailedError>(run.result());
    expect(error).toBeInstanceOf(RunFailedError);
    expect(error.cause).toBeInstanceOf(TaskError);
    expect(error.cause).toMatchObject({
      name: "TypeError",
      message: "no such field",
      task: main.fullName,
      action: "a0",
    });
    expect(await run.wait()).toMatchObject({ phase: "failed", error: { code: "TASK_FAILED" } });
  });

  test("wraps the last error when the budget is used up", async () => {
    const env = environment();
    let attempt = 0;
    const main = env.task({ retries: 2 }, async function main() {
      attempt += 1;
      throw Object.assign(new RangeError(`attempt ${attempt}`), { status: 500 + attempt });
    });
    const h = await harness();
    const run = await h.run(main);
    const error = await failureOf<RetriesExhaustedError>(run);
    expect(error).toBeInstanceOf(RetriesExhaustedError);
    expect(error.attempts).toBe(3);
    expect(error.cause).toBeInstanceOf(TaskError);
    expect(error.cause).toMatchObject({ name: "RangeError", message: "attempt 3", data: { status: 503 } });
    expect(await run.attempts("a0")).toHaveLength(2);
  });

  test("waits between attempts as the policy says", async () => {
    const env = environment();
    const at: number[] = [];
    const main = env.task(
      { retries: { count: 3, delay: "10s", factor: 3, maxDelay: "60s", jitter: "none" } },
      async function main() {
        at.push(h.now());
        throw new Error("again");
      },
    );
    const h = await harness();
    await errorOf((await h.run(main)).result());
    expect(at.slice(1).map((ms, i) => ms - (at[i] ?? 0))).toEqual([10_000, 30_000, 60_000]);
  });

  test("retries only what the policy lets through", async () => {
    const env = environment();
    const main = env.task({ name: "main", retries: { count: 5, never: ["SyntaxError"] } }, async () => {
      if (h.executions(main) < 3) throw new Error("again");
      throw new SyntaxError("hopeless");
    });
    const h = await harness();
    const error = await failureOf(await h.run(main));
    expect(error).toMatchObject({ name: "SyntaxError", message: "hopeless" });
    expect(h.executions(main)).toBe(3);
  });

  test("stops at once at an error that says it is final", async () => {
    const env = environment();
    const child = env.task({ retries: 5 }, async function child() {
      throw new NonRecoverableError(new RangeError("the account is closed"));
    });
    const main = env.task(async function main() {
      const error = await errorOf<NonRecoverableError>(child());
      return [error instanceof NonRecoverableError, error.message, (error.cause as Error).name];
    });
    const h = await harness();
    expect(await (await h.run(main)).result()).toEqual([true, "the account is closed", "RangeError"]);
    expect(h.executions(child)).toBe(1);
  });

  test("retries a lost runner at no cost to the user's budget", async () => {
    const env = environment();
    const child = env.task({ name: "child", retries: 1 }, async (): Promise<number> => {
      if (h.executions(child) <= 3) await new Promise(() => undefined);
      if (h.executions(child) === 4) throw new Error("the user's own");
      return h.executions(child);
    });
    const main = env.task(async function main() {
      return child();
    });
    const h = await harness({ clock: "manual" });
    const run = await h.run(main);
    for (let death = 0; death < 3; death++) {
      await h.advance("30s");
      await h.killRunner();
    }
    await h.advance("30s");
    expect(await run.result()).toBe(5);
    const [action] = await run.actions(child);
    expect(action).toMatchObject({ user_failures: 1, system_failures: 3, attempt: 5 });
  });

  test("gives up on an action that lost its runner too often", async () => {
    const env = environment();
    const child = env.task(async function child() {
      await new Promise(() => undefined);
    });
    const main = env.task(async function main() {
      const error = await errorOf<InterruptedError>(child());
      return [error instanceof InterruptedError, error.code, error.kind];
    });
    const h = await harness({ clock: "manual", suspend: "always" });
    const run = await h.run(main);
    for (let death = 0; death <= SYSTEM_RETRIES; death++) {
      await h.advance("30s");
      await h.killRunner();
    }
    await h.advance("30s");
    expect(await run.result()).toEqual([true, "INTERRUPTED", "system"]);
    expect(h.executions(child)).toBe(SYSTEM_RETRIES + 1);
  });
});

describe("time limits", () => {
  test("ends an attempt that runs too long, and tries again", async () => {
    const env = environment();
    const child = env.task({ timeout: "10s", retries: 1 }, async function child() {
      await new Promise(() => undefined);
    });
    const main = env.task(async function main() {
      const error = await errorOf<RetriesExhaustedError>(child());
      const cause = error.cause as TimeLimitError;
      return [error instanceof RetriesExhaustedError, cause instanceof TimeLimitError, cause.code];
    });
    const h = await harness({ clock: "manual" });
    const run = await h.run(main);
    await h.advance("19s");
    expect((await run.actions(child))[0]?.phase).toBe("running");
    await h.advance("1s");
    expect(await run.result()).toEqual([true, true, "TIME_LIMIT"]);
    expect((await run.actions(child))[0]?.phase).toBe("timed_out");
    expect(h.executions(child)).toBe(2);
  });

  test("does not count waiting for the platform to the limit of an attempt", async () => {
    const env = environment();
    const main = env.task({ timeout: "10s" }, async function main() {
      for (let i = 0; i < 5; i++) await sleep("1h");
      return "done";
    });
    const h = await harness();
    expect(await (await h.run(main)).result()).toBe("done");
  });

  test("ends an action that waited too long in the queue", async () => {
    const env = environment();
    const child = env.task({ timeout: { queued: "1m" } }, async function child() {
      return 1;
    });
    const h = await harness({ clock: "manual", runners: 0 });
    const run = await h.run(child);
    await h.advance("59s");
    expect((await run.actions())[0]?.phase).toBe("queued");
    await h.advance("1s");
    expect(await failureOf(run)).toMatchObject({ code: "QUEUE_TIME_LIMIT", name: "TimeLimitError" });
    expect((await run.wait()).phase).toBe("timed_out");
    h.addRunner();
    await h.advance("1s");
    expect(h.executions(child)).toBe(0);
  });

  test("ends an action at its deadline, over all attempts and waits", async () => {
    const env = environment();
    const child = env.task(
      {
        timeout: { deadline: "1h" },
        retries: { count: 9, delay: "25m", maxDelay: "25m", jitter: "none", factor: 1 },
      },
      async function child() {
        throw new Error("again");
      },
    );
    const parent = env.task({ timeout: { deadline: "2h" } }, async function parent() {
      await sleep("30d");
    });
    const main = env.task(async function main() {
      const errors = await Promise.all([errorOf<TimeLimitError>(child()), errorOf<TimeLimitError>(parent())]);
      return errors.map((error) => [error instanceof TimeLimitError, error.code, error.task]);
    });
    const h = await harness({ startMs: 0 });
    const run = await h.run(main);
    expect(await run.result()).toEqual([
      [true, "DEADLINE_EXCEEDED", child.fullName],
      [true, "DEADLINE_EXCEEDED", parent.fullName],
    ]);
    expect(h.executions(child)).toBe(3);
    expect(h.now()).toBe(2 * 3_600_000);
    expect((await run.actions()).filter(({ kind }) => kind === "sleep")[0]?.phase).toBe("aborted");
  });

  test("counts a deadline while user code is executed", async () => {
    const env = environment();
    const main = env.task({ timeout: { deadline: "1m" } }, async function main() {
      await new Promise(() => undefined);
    });
    const h = await harness({ clock: "manual" });
    const run = await h.run(main);
    await h.advance("1m");
    expect(await failureOf(run)).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });
});

describe("errors on their way up", () => {
  class CardDeclined extends Error {
    override name = "CardDeclined";
    readonly limit = 100;
  }

  test.each(["never", "always"] as const)(
    "keeps the chain of causes across two parents (suspend: %s)",
    async (suspend) => {
      const env = environment();
      const charge = env.task(async function charge() {
        throw new CardDeclined("declined", {
          cause: new TypeError("no funds", { cause: new Error("bank") }),
        });
      });
      const order = env.task(async function order() {
        try {
          await charge();
        } catch (error) {
          throw new Error("the order failed", { cause: error });
        }
      });
      const main = env.task(async function main() {
        const error = await errorOf<TaskError>(order());
        const declined = error.cause as TaskError;
        const funds = declined.cause as Error;
        return {
          outer: [error instanceof TaskError, error.name, error.message, error.task],
          inner: [
            declined instanceof TaskError,
            declined.name,
            declined.message,
            declined.task,
            declined.data,
          ],
          root: [funds.name, funds.message, (funds.cause as Error).message],
        };
      });
      const h = await harness({ suspend });
      expect(await (await h.run(main)).result()).toEqual({
        outer: [true, "Error", "the order failed", order.fullName],
        inner: [true, "CardDeclined", "declined", charge.fullName, { limit: 100 }],
        root: ["TypeError", "no funds", "bank"],
      });
    },
  );

  test("passes a failure through parents that do not catch it", async () => {
    const env = environment();
    const leaf = env.task(async function leaf() {
      throw new OutOfMemoryError("too small");
    });
    const middle = env.task(async function middle() {
      await leaf();
    });
    const main = env.task(async function main() {
      const error = await errorOf<GodwitError>(middle());
      return [error instanceof OutOfMemoryError, error instanceof GodwitError, error.task];
    });
    const h = await harness();
    expect(await (await h.run(main)).result()).toEqual([true, true, leaf.fullName]);
  });
});
