import { expectTypeOf, test } from "vitest";
import * as z from "zod";
import {
  type ActionPromise,
  map,
  type RemoteTask,
  type Run,
  type RunSummary,
  remote,
  run,
  TaskEnvironment,
} from "../../src/index.ts";

const env = new TaskEnvironment({ name: "callee" });
const double = env.task(async function double(n: number) {
  return 2 * n;
});
const hello = env.task(async function hello() {
  return "hello";
});
const load = env.task(
  { input: z.object({ at: z.coerce.date(), limit: z.number().default(10) }), output: z.set(z.string()) },
  async ({ limit }) => new Set([String(limit)]),
);

test("a remote task has the types of the task it names", () => {
  const far = remote.task<typeof double>("callee.double", { version: "latest" });
  expectTypeOf(far).toEqualTypeOf<RemoteTask<number, number>>();
  expectTypeOf(far(1)).toEqualTypeOf<ActionPromise<number>>();
  expectTypeOf(far.override({ retries: 0 })).toEqualTypeOf<RemoteTask<number, number>>();
  expectTypeOf(far.fullName).toEqualTypeOf<string>();
  // @ts-expect-error the input is a number
  void far("1");
  // @ts-expect-error a name cannot be overridden
  far.override({ name: "x" });
  const greet = remote.task<typeof hello>("callee.hello");
  expectTypeOf(greet()).resolves.toEqualTypeOf<string>();
  // @ts-expect-error it takes nothing
  void greet(1);
  const far2 = remote.task<typeof load>("callee.load");
  void far2({ at: "2026-01-01" });
  expectTypeOf(far2({ at: 1, limit: 2 })).resolves.toEqualTypeOf<Set<string>>();
});

test("or those of a function", () => {
  const predict = remote.task<(input: { x: number }) => Promise<number>>("models.predict", { version: "7" });
  expectTypeOf(predict).toEqualTypeOf<RemoteTask<{ x: number }, number>>();
  // @ts-expect-error `x` is a number
  void predict({ x: "1" });
  const tick = remote.task<() => void>("models.tick");
  expectTypeOf(tick()).resolves.toEqualTypeOf<void>();
  const maybe = remote.task<(n?: number) => number>("models.maybe");
  void maybe();
  void maybe(1);
  const anything = remote.task("models.anything");
  expectTypeOf(anything({ a: 1 })).resolves.toEqualTypeOf<unknown>();
  // @ts-expect-error what takes nothing says so: `remote.task<() => unknown>`
  void anything();
  // @ts-expect-error a function cannot travel
  remote.task<(input: { done: () => void }) => number>("models.stuck");
  // @ts-expect-error two parameters
  remote.task<(a: number, b: number) => number>("models.two");
  // @ts-expect-error no such setting
  remote.task("models.x", { versoin: "1" });
});

test("it goes where tasks go", () => {
  const far = remote.task<typeof double>("callee.double");
  expectTypeOf(map(far, [1, 2])).resolves.toEqualTypeOf<number[]>();
  // @ts-expect-error the inputs are numbers
  void map(far, ["1"]);
  expectTypeOf(run(far, 1)).resolves.toEqualTypeOf<Run<number>>();
  // @ts-expect-error the input is a number
  void run(far, "1");
  expectTypeOf(run(remote.task<typeof hello>("callee.hello"))).resolves.toEqualTypeOf<Run<string>>();
});

test("runs that exist have the types they are given", () => {
  expectTypeOf(remote.run("r1")).resolves.toEqualTypeOf<Run<unknown>>();
  expectTypeOf(remote.run<typeof double>("r1")).resolves.toEqualTypeOf<Run<number>>();
  expectTypeOf(remote.runs()).toEqualTypeOf<AsyncIterable<RunSummary>>();
  void remote.runs({ task: double, phase: ["failed", "aborted"], labels: { team: "x" }, limit: 3 });
  void remote.runs({ task: remote.task("callee.double"), phase: "running" });
  // @ts-expect-error no such phase
  void remote.runs({ phase: "done" });
});
