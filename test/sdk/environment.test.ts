import { afterEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { GodwitError } from "../../src/core/errors.ts";
import { TaskEnvironment } from "../../src/sdk/environment.ts";
import { registry } from "../../src/sdk/registry.ts";
import type { EnvironmentSettings, TaskSettings } from "../../src/sdk/settings.ts";

afterEach(() => registry.clear());

/** The error that `act` throws. */
function thrown(act: () => unknown): GodwitError {
  try {
    act();
  } catch (error) {
    if (error instanceof GodwitError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("an environment", () => {
  test("keeps what a deployment needs to know", () => {
    const models = new TaskEnvironment({ name: "models" });
    const env = new TaskEnvironment({
      name: "nightly-etl",
      description: "Loads the sales",
      env: { LOG_LEVEL: "debug" },
      dependsOn: [models],
    });
    expect(env.definition).toEqual({
      name: "nightly-etl",
      description: "Loads the sales",
      env: { LOG_LEVEL: "debug" },
      dependsOn: ["models"],
    });
    expect(registry.environments().map(({ name }) => name)).toEqual(
      expect.arrayContaining(["models", "nightly-etl"]),
    );
  });

  test.each(["", "Hello", "hello world", "1st", "a--b", "-a", "a_", "a".repeat(64), 7, undefined])(
    "refuses the name %j",
    (name) => {
      expect(thrown(() => new TaskEnvironment({ name: name as string })).code).toBe(
        "ENVIRONMENT_NAME_INVALID",
      );
    },
  );

  test("suggests a name that would do", () => {
    expect(thrown(() => new TaskEnvironment({ name: "NightlyETL Sales" })).hint).toContain(
      "`nightly-etl-sales`",
    );
  });

  test("refuses an option it does not know, and says which one was meant", () => {
    const settings = { name: "etl", resourcse: {} } as EnvironmentSettings;
    expect(thrown(() => new TaskEnvironment(settings)).message).toBe(
      "environment `etl` has no option `resourcse`. Did you mean `resources`?",
    );
  });

  test("may depend on one that is defined later", () => {
    const first = new TaskEnvironment({ name: "first", dependsOn: () => [second] });
    const second = new TaskEnvironment({ name: "second", dependsOn: [first] });
    expect([first.definition.dependsOn, second.definition.dependsOn]).toEqual([["second"], ["first"]]);
  });

  test("refuses a function that gives something else, when it is asked", () => {
    const settings = { name: "etl", dependsOn: () => "models" } as unknown as EnvironmentSettings;
    const { definition } = new TaskEnvironment(settings);
    expect(thrown(() => definition.dependsOn).message).toContain("takes an array of environments");
  });

  test("refuses a dependency that is not an environment", () => {
    const settings = { name: "etl", dependsOn: ["models"] } as unknown as EnvironmentSettings;
    expect(thrown(() => new TaskEnvironment(settings)).message).toContain(
      "`dependsOn`[0] takes a TaskEnvironment",
    );
  });
});

describe("a task", () => {
  const env = new TaskEnvironment({ name: "hello" });

  test("is named after its function and found in the registry", () => {
    const predict = env.task(async function predict(x: number) {
      return 2 * x;
    });
    expect(predict.fullName).toBe("hello.predict");
    expect(predict.name).toBe("predict");
    expect(registry.get("hello.predict")).toBe(predict.definition);
    expect(registry.list()).toEqual([predict.definition]);
  });

  test("may be named by an option", () => {
    const named = env.task({ name: "by-option" }, async () => 1);
    expect(named.fullName).toBe("hello.by-option");
  });

  test("needs a name", () => {
    const error = thrown(() => env.task(async () => 1));
    expect(error.code).toBe("TASK_NAME_MISSING");
    expect(error.hint).toContain("async function");
  });

  test.each(["größe", "with space", "a.b", "a/b", "9lives", "x".repeat(101)])(
    "refuses the name %j",
    (name) => {
      expect(thrown(() => env.task({ name }, async () => 1)).code).toBe("TASK_NAME_INVALID");
    },
  );

  test("refuses a function whose name a minifier chose", () => {
    const minified = new Function("return async function e(t){return t}")() as () => Promise<number>;
    expect(thrown(() => env.task(minified)).message).toContain("minified");
    expect(env.task({ name: "kept" }, minified).fullName).toBe("hello.kept");
  });

  test("refuses a second task of the same name", () => {
    const own = new TaskEnvironment({ name: "own" });
    own.task(async function twice() {});
    expect(thrown(() => own.task(async function twice() {})).code).toBe("TASK_DUPLICATE");
  });

  test("is noted as a conflict when another environment object defines it again", async () => {
    for (const result of [1, 2]) {
      new TaskEnvironment({ name: "cell" }).task(async function main() {
        return result;
      });
    }
    expect(registry.conflicts()).toEqual(["cell", "cell.main"]);
    expect(await registry.get("cell.main").fn(undefined as never)).toBe(2);
  });

  test("takes one value", () => {
    const two = (async (a: number, b: number) => a + b) as unknown as (a: number) => Promise<number>;
    expect(thrown(() => env.task({ name: "two" }, two)).hint).toContain("one value");
  });

  test("is not a generator", () => {
    const generator = function* generate() {} as unknown as () => void;
    const asyncGenerator = async function* generate() {} as unknown as () => void;
    expect(thrown(() => env.task(generator)).message).toContain("generator");
    expect(thrown(() => env.task(asyncGenerator)).message).toContain("generator");
  });

  test("refuses what is not a function, a schema or a known option", () => {
    expect(thrown(() => env.task({ name: "x" }, 7 as never)).message).toContain("takes a function, not 7");
    const noSchema = { name: "y", input: { type: "object" } } as never;
    expect(thrown(() => env.task(noSchema, async () => 1)).code).toBe("SCHEMA_UNSUPPORTED");
    const wrongKey = { name: "z", retry: 3 } as TaskSettings;
    expect(thrown(() => env.task(wrongKey as never, async () => 1)).message).toContain(
      "Did you mean `retries`?",
    );
  });

  test("accepts every Standard Schema, also one that is a function", () => {
    const callable = Object.assign(() => undefined, { "~standard": z.number()["~standard"] });
    const task = env.task({ name: "callable", input: callable }, async (n: number) => n);
    expect(task.definition.input).toBe(callable);
  });

  test("is not found under a name nobody defined", () => {
    new TaskEnvironment({ name: "shop" }).task(async function checkout() {});
    const error = thrown(() => registry.get("shop.chekout"));
    expect(error.code).toBe("TASK_NOT_FOUND");
    expect(error.message).toContain("Did you mean `shop.checkout`?");
  });
});
