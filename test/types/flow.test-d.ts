import { expectTypeOf, test } from "vitest";
import * as z from "zod";
import {
  type ActionPromise,
  condition,
  group,
  map,
  type Run,
  type RunEvent,
  run,
  type SettledResult,
  sleep,
  type Task,
  TaskEnvironment,
  trace,
} from "../../src/index.ts";

const env = new TaskEnvironment({ name: "flow" });
const double = env.task(async function double(n: number) {
  return 2 * n;
});
const hello = env.task(async function hello() {
  return "hello";
});

test("map keeps the types of its task", () => {
  expectTypeOf(map(double, [1, 2])).resolves.toEqualTypeOf<number[]>();
  expectTypeOf(map(double, new Set([1]), { concurrency: 2 })).resolves.toEqualTypeOf<number[]>();
  expectTypeOf(map(double, [1], { settle: true })).resolves.toEqualTypeOf<SettledResult<number>[]>();
  // @ts-expect-error the inputs are numbers
  void map(double, ["1"]);
  // @ts-expect-error not an iterable
  void map(double, 7);
});

test("combinators of promises keep the types of calls", () => {
  expectTypeOf(Promise.all([double(1), hello()])).resolves.toEqualTypeOf<[number, string]>();
  expectTypeOf(Promise.race([double(1), hello()])).resolves.toEqualTypeOf<number | string>();
});

test("group gives what its function gives", () => {
  expectTypeOf(group("g", () => double(1))).toEqualTypeOf<ActionPromise<number>>();
  expectTypeOf(group("g", () => 7)).toEqualTypeOf<number>();
});

test("trace keeps parameters and promises the result", () => {
  const fetchPage = trace(async function fetchPage(url: string, retries = 3) {
    return { url, retries };
  });
  expectTypeOf(fetchPage).parameters.toEqualTypeOf<[url: string, retries?: number | undefined]>();
  expectTypeOf(fetchPage("x")).toEqualTypeOf<ActionPromise<{ url: string; retries: number }>>();
  const sync = trace({ name: "sync" }, (n: number) => n > 0);
  expectTypeOf(sync(1)).toEqualTypeOf<ActionPromise<boolean>>();
  const stream = trace(async function* stream(to: number): AsyncGenerator<number, string> {
    yield to;
    return "done";
  });
  expectTypeOf(stream(1)).toEqualTypeOf<AsyncGenerator<number, string, void>>();
  // @ts-expect-error args[0] is a function
  trace(async function bad(callback: () => void) {
    callback();
  });
  // @ts-expect-error result is a symbol
  trace(async function* bad() {
    yield Symbol("x");
  });
  // @ts-expect-error a synchronous generator
  trace(function* sync() {
    yield 1;
  });
});

test("a condition is typed by its schema", () => {
  const schema = z.object({ at: z.coerce.date() });
  expectTypeOf(condition({ name: "x", schema })).toEqualTypeOf<ActionPromise<{ at: Date }>>();
  expectTypeOf(condition({ name: "x" })).toEqualTypeOf<ActionPromise<unknown>>();
  expectTypeOf(sleep("1s")).resolves.toBeVoid();
});

test("a run is typed by its task", () => {
  expectTypeOf(run(double, 1)).resolves.toEqualTypeOf<Run<number>>();
  expectTypeOf(run(hello)).resolves.toEqualTypeOf<Run<string>>();
  expectTypeOf(run(hello, undefined, { name: "greeting" })).resolves.toEqualTypeOf<Run<string>>();
  // @ts-expect-error the input is missing
  void run(double);
  // @ts-expect-error the input is a number
  void run(double, "1");
  // @ts-expect-error unknown setting
  void run(double, 1, { label: "x" });
});

test("events are told apart by their type", () => {
  const describe = (event: RunEvent): string => (event.type === "action" ? event.task : event.phase);
  expectTypeOf(describe).returns.toEqualTypeOf<string>();
});

test("generic helpers can call tasks, map over them and run them", async () => {
  async function helper<Input, Output>(task: Task<Input, Output>, inputs: Input[]): Promise<Output[]> {
    const first = inputs[0] as Input;
    const started = await run(task, first);
    return [await task(first), await started.result(), ...(await map(task, inputs))];
  }
  expectTypeOf(helper(double, [1])).resolves.toEqualTypeOf<number[]>();
});
