import { expectTypeOf, test } from "vitest";
import * as z from "zod";
import {
  type ActionPromise,
  type AnyTask,
  type StandardSchema,
  type Task,
  TaskEnvironment,
} from "../../src/index.ts";

const env = new TaskEnvironment({ name: "types" });

test("types come from the function", () => {
  const double = env.task(async function double(n: number) {
    return 2 * n;
  });
  expectTypeOf(double).toEqualTypeOf<Task<number, number>>();
  expectTypeOf(double(1)).toEqualTypeOf<ActionPromise<number>>();
  expectTypeOf(double.override({ retries: 0 })).toEqualTypeOf<Task<number, number>>();
  // @ts-expect-error the input is a number
  void double("1");
  // @ts-expect-error the input is missing
  void double();

  const sync = env.task({ retries: 1 }, function sync({ names }: { names: string[] }) {
    return new Set(names);
  });
  expectTypeOf(sync({ names: [] })).resolves.toEqualTypeOf<Set<string>>();
});

test("a task without a parameter is called without an argument", () => {
  const hello = env.task(async function hello() {
    return "hello";
  });
  expectTypeOf(hello).toEqualTypeOf<Task<void, string>>();
  expectTypeOf(hello()).resolves.toEqualTypeOf<string>();
  // @ts-expect-error it takes nothing
  void hello(1);
  const quiet = env.task({ cache: "auto" }, function quiet() {});
  expectTypeOf(quiet()).resolves.toEqualTypeOf<void>();
});

test("an optional parameter stays optional", () => {
  const maybe = env.task(async function maybe(n?: number) {
    return n ?? 0;
  });
  void maybe();
  void maybe(1);
  const initialised = env.task(async function initialised(n = 1) {
    return n;
  });
  expectTypeOf(initialised(2)).resolves.toEqualTypeOf<number>();
  void initialised();
  const preset = env.task(async function preset({ n }: { n: number } = { n: 1 }) {
    return n;
  });
  expectTypeOf(preset()).resolves.toEqualTypeOf<number>();
});

test("a task may call itself, and two tasks each other", () => {
  const factorial: Task<number, number> = env.task(async function factorial(n: number): Promise<number> {
    return n < 2 ? 1 : n * (await factorial(n - 1));
  });
  const isEven = env.task(async function isEven(n: number): Promise<boolean> {
    return n === 0 || isOdd(n - 1);
  });
  const isOdd = env.task(async function isOdd(n: number): Promise<boolean> {
    return n !== 0 && isEven(n - 1);
  });
  expectTypeOf(isEven).toEqualTypeOf<Task<number, boolean>>();
  expectTypeOf(factorial).toEqualTypeOf<Task<number, number>>();
});

test("with an input schema callers give its input, the function gets its output", () => {
  const schema = z.object({ at: z.coerce.date(), limit: z.number().default(10) });
  const load = env.task({ input: schema }, async function load(input) {
    expectTypeOf(input).toEqualTypeOf<{ at: Date; limit: number }>();
    return input.limit;
  });
  expectTypeOf(load).toEqualTypeOf<Task<{ at: unknown; limit?: number | undefined }, number>>();
  void load({ at: "2026-01-01" });
  // @ts-expect-error `limit` is a number
  void load({ at: "2026-01-01", limit: "10" });
  // @ts-expect-error the function takes a text, the schema gives a number
  env.task({ input: z.number() }, async function wrong(text: string) {
    return text;
  });
});

test("with an output schema the function returns its input, callers get its output", () => {
  const output = z.string().transform((text) => text.length);
  const count = env.task({ output, retries: 2 }, async function count(text: string) {
    return text;
  });
  expectTypeOf(count).toEqualTypeOf<Task<string, number>>();
  const none = env.task({ input: z.number(), output }, (n) => "x".repeat(n));
  expectTypeOf(none).toEqualTypeOf<Task<number, number>>();
  // @ts-expect-error the schema takes a text
  env.task({ output }, async function wrong(n: number) {
    return n;
  });
});

test("any Standard Schema will do", () => {
  const schema: StandardSchema<string, number> = {
    "~standard": { version: 1, vendor: "mine", validate: (value) => ({ value: Number(value) }) },
  };
  const parse = env.task({ input: schema, output: schema }, async function parse(n) {
    expectTypeOf(n).toEqualTypeOf<number>();
    return String(n);
  });
  expectTypeOf(parse).toEqualTypeOf<Task<string, number>>();
});

test("any and unknown pass", () => {
  const anything = env.task(async function anything(value: unknown) {
    return value;
  });
  expectTypeOf(anything(1)).resolves.toEqualTypeOf<unknown>();
  // biome-ignore lint/suspicious/noExplicitAny: what is tested
  const loose = env.task(async function loose(value: any) {
    return value;
  });
  expectTypeOf(loose(1)).resolves.toBeAny();
  const tasks: AnyTask[] = [anything, loose];
  expectTypeOf(tasks).toExtend<AnyTask[]>();
});

test("options are checked", () => {
  // @ts-expect-error unknown option
  env.task({ retry: 3 }, async function a() {});
  // @ts-expect-error wrong type
  env.task({ retries: "3" }, async function b() {});
  // @ts-expect-error two parameters
  env.task(async function c(left: number, right: number) {
    return left + right;
  });
  // @ts-expect-error a parameter without a type
  env.task(async function c(n) {
    return n;
  });
  const plain = env.task(async function d() {});
  // @ts-expect-error a name cannot be overridden
  plain.override({ name: "e" });
  // @ts-expect-error neither can a schema
  plain.override({ input: z.number() });
  plain.override({ retries: undefined, timeout: null, label: "x" });
  // @ts-expect-error an environment needs a name
  new TaskEnvironment({});
});
