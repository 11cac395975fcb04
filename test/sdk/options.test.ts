import { describe, expect, test } from "vitest";
import { TaskEnvironment } from "../../src/sdk/environment.ts";
import type { OverrideSettings } from "../../src/sdk/settings.ts";

const env = new TaskEnvironment({
  name: "levels",
  retries: 3,
  timeout: "10m",
  cache: "auto",
  secrets: ["TOKEN"],
  interruptible: true,
  priority: 2,
});

describe("the three levels", () => {
  const task = env.task({ name: "main", retries: { count: 5, delay: "1s" } }, async () => 1);

  test("resolve from the environment over the task to the call", () => {
    expect(task.definition.options).toEqual({
      retries: { count: 5, delayMs: 1_000 },
      limits: { attemptMs: 600_000 },
      cache: { mode: "auto" },
      secrets: ["TOKEN"],
      interruptible: true,
      priority: 2,
    });
  });

  test("replace values and never merge them", () => {
    const changed = task.override({ retries: { count: 1 }, secrets: ["OTHER"], timeout: { queued: "1h" } });
    expect(changed.definition.options).toMatchObject({
      retries: { count: 1 },
      secrets: ["OTHER"],
      limits: { queuedMs: 3_600_000 },
    });
    expect(changed.definition.options.retries).not.toHaveProperty("delayMs");
    expect(changed.definition.options.limits).not.toHaveProperty("attemptMs");
  });

  test("let a call take everything away", () => {
    const bare = task.override({
      retries: 0,
      timeout: null,
      cache: "disable",
      secrets: [],
      interruptible: false,
      priority: 0,
      concurrency: null,
    });
    expect(bare.definition.options).toEqual({});
  });

  test("ignore what is undefined", () => {
    expect(task.override({ retries: undefined }).definition.options).toEqual(task.definition.options);
  });

  test("leave the task itself as it was, and can be overridden again", () => {
    const before = structuredClone(task.definition.options);
    const twice = task.override({ retries: 0, label: "first" }).override({ priority: 9 });
    expect(twice.definition.options).toMatchObject({ priority: 9, label: "first" });
    expect(twice.definition.options).not.toHaveProperty("retries");
    expect(twice.fullName).toBe("levels.main");
    expect(task.definition.options).toEqual(before);
  });

  test("keep name and schemas", () => {
    for (const key of ["name", "input", "output", "description"]) {
      expect(() => task.override({ [key]: "x" } as OverrideSettings)).toThrow(/has no option/);
    }
  });
});

test.each([
  [{ cache: { version: "2" } }, { cache: { mode: "override", version: "2" } }],
  [{ cache: { salt: "s", scope: "global" } }, { cache: { mode: "auto", salt: "s", scope: "global" } }],
  [{ concurrency: 4 }, { concurrency: { key: "plain.main", limit: 4 } }],
  [{ concurrency: { key: "db", limit: 2 } }, { concurrency: { key: "db", limit: 2 } }],
  [{ timeout: 250 }, { limits: { attemptMs: 250 } }],
  [{ timeout: { attempt: "1s", deadline: "1d" } }, { limits: { attemptMs: 1_000, deadlineMs: 86_400_000 } }],
  [
    { retries: { count: 2, factor: 1, maxDelay: "1m", jitter: "none", only: ["A"], never: ["B"] } },
    { retries: { count: 2, factor: 1, maxDelayMs: 60_000, jitter: "none", only: ["A"], never: ["B"] } },
  ],
] as const)("%j is read as %j", (settings, options) => {
  const plain = new TaskEnvironment({ name: "plain" });
  expect(plain.task({ name: "main", ...settings }, async () => 1).definition.options).toEqual(options);
});

test.each([
  [{ retries: -1 }, "`retries` takes an integer of at least 0, not -1"],
  [{ retries: 1.5 }, "`retries` takes an integer of at least 0, not 1.5"],
  [{ retries: "3" }, '`retries` takes a number of retries or an object with `count`, not "3"'],
  [{ retries: { count: 1, delay: "soon" } }, '`retries`.delay: "soon" is not a duration'],
  [{ retries: { count: 1, facto: 2 } }, "`retries` has no option `facto`. Did you mean `factor`?"],
  [{ retries: { count: 1, jitter: "ful" } }, 'not "ful". Did you mean `full`?'],
  [{ timeout: 0 }, "`timeout` takes more than 0"],
  [{ timeout: "10 parsecs" }, '`timeout`: "10 parsecs" is not a duration'],
  [{ cache: "on" }, '`cache` takes "auto" or "disable", not "on"'],
  [{ cache: { mode: "override" } }, "`cache`.version takes a text"],
  [{ cache: { ignoredInputs: "verbose" } }, "`cache`.ignoredInputs takes an array of texts"],
  [{ interruptible: "yes" }, '`interruptible` takes true or false, not "yes"'],
  [{ priority: 0.5 }, "`priority` takes an integer, not 0.5"],
  [{ concurrency: 0 }, "`concurrency` takes an integer of at least 1, not 0"],
  [{ secrets: ["A", 7] }, "`secrets`[1] takes a text that is not empty, not 7"],
])("%j is refused", (settings, message) => {
  const plain = new TaskEnvironment({ name: "plain" });
  const define = () => plain.task({ name: "main", ...settings } as never, async () => 1);
  expect(define).toThrow(message);
  expect(define).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});

test("a resource that cannot be read is refused when the task is defined", () => {
  expect(() => new TaskEnvironment({ name: "plain", resources: { memory: "much" } })).toThrow(
    expect.objectContaining({ code: "RESOURCE_INVALID" }),
  );
});
