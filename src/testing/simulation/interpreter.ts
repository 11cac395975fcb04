import type { CallOptions } from "../../core/call.ts";
import { callTask } from "../../sdk/call.ts";
import { now, random, uuid } from "../../sdk/clock.ts";
import { condition } from "../../sdk/condition.ts";
import { ctx } from "../../sdk/context.ts";
import type { TaskDefinition } from "../../sdk/definition.ts";
import { map } from "../../sdk/map.ts";
import type { ActionPromise } from "../../sdk/session.ts";
import { sleep } from "../../sdk/sleep.ts";
import { createTask, type Task } from "../../sdk/task.ts";
import { trace } from "../../sdk/trace.ts";
import type { Execution } from "./evidence.ts";
import { type CallShape, hasPlainAwait, type Program } from "./program.ts";

/** Input of the task that interprets programs. */
export interface NodeInput {
  readonly program: Program;
  readonly failFirst?: number;
}

/** Result of a task: the value, and which execution it comes from. */
export interface Stamped {
  readonly value: unknown;
  readonly execution: number;
}

/** What an execution may use besides the SDK. */
export interface Stage {
  readonly execution: Execution;
  /** Waits without the engine knowing of it. */
  wait(ms: number): Promise<void>;
}

interface Scene extends Stage {
  /**
   * False when the task awaits something that is not durable: it may end before or after any result, so that what
   * depends on the order is different in each execution.
   */
  readonly isSteady: boolean;
}

/** Failure of a program, in contrast to any failure of the system. */
class SimulatedError extends Error {
  override readonly name = "SimulatedError";
}

const environment = { name: "sim", description: null, env: {}, dependsOn: [] };

function definitionOf(shortName: string, options: CallOptions = {}): TaskDefinition {
  const name = `sim.${shortName}`;
  // The code comes from the runner that executes it.
  const fn = (): never => {
    throw new Error(`${name} was called outside any simulation`);
  };
  return { name, shortName, description: null, environment, fn, options };
}

const NODE = definitionOf("node");
const CACHED = definitionOf("cached");

/** The code of a task as one runner executes it. */
export function implementationOf(task: string, stage: () => Stage): TaskDefinition {
  const isCached = task === CACHED.name;
  const fn = async (input: NodeInput & { key: number }): Promise<Stamped> => {
    const scene = stage();
    const execution = scene.execution.nth;
    if (isCached) {
      await scene.wait(10);
      return { value: input.key, execution };
    }
    const { program, failFirst = 0 } = input;
    try {
      const value = await interpret(program, { ...scene, isSteady: !hasPlainAwait(program) });
      if (ctx().attempt <= failFirst) throw new SimulatedError(`attempt ${ctx().attempt}`);
      return { value, execution };
    } catch (error) {
      scene.execution.hasFailed = true;
      throw error;
    }
  };
  return { ...(isCached ? CACHED : NODE), fn: fn as TaskDefinition["fn"] };
}

const syncTrace = trace(function syncTrace(n: number): number {
  return n;
});
const failingTrace = trace(async function failingTrace(n: number): Promise<number> {
  throw new SimulatedError(`trace ${n}`);
});

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one case per kind of program
async function interpret(program: Program, scene: Scene): Promise<unknown> {
  switch (program.op) {
    case "value":
      return program.n;
    case "wait":
      await scene.wait(program.ms);
      return "waited";
    case "boom":
      throw new SimulatedError("boom");
    case "sequence": {
      const values: unknown[] = [];
      for (const part of program.parts) values.push(await interpret(part, scene));
      return values;
    }
    case "all":
      return Promise.all(program.parts.map((part) => interpret(part, scene)));
    case "settled":
      return (await Promise.allSettled(program.parts.map((part) => interpret(part, scene)))).map((one) =>
        one.status === "fulfilled" ? one.value : failure(one.reason),
      );
    case "race": {
      const first = program.parts.map(async (part, i) => {
        try {
          await interpret(part, scene);
        } catch (error) {
          failure(error);
        }
        return i;
      });
      const winner = await Promise.race(first);
      if (scene.isSteady) scene.execution.seen.push(`first ${winner}`);
      return "raced";
    }
    case "any":
      try {
        await Promise.any(program.parts.map((part) => interpret(part, scene)));
      } catch (error) {
        for (const reason of (error as AggregateError).errors) failure(reason);
        throw new SimulatedError("none");
      }
      return "any";
    case "call":
      return unstamped(await see(scene, callNode(program.body, program.shape)));
    case "map":
      return interpretMap(program, scene);
    case "winner":
      return interpretWinner(program.bodies, scene);
    case "try":
      try {
        return await interpret(program.body, scene);
      } catch (error) {
        failure(error);
        return interpret(program.otherwise, scene);
      }
    case "again":
      try {
        return unstamped(await see(scene, callNode(program.body, {})));
      } catch (error) {
        failure(error);
        return unstamped(await see(scene, callNode(program.body, { priority: 1 })));
      }
    case "repeat": {
      const calls = Array.from({ length: program.times }, () => see(scene, callNode(program.body, {})));
      return (await Promise.all(calls)).map(unstamped);
    }
    case "trace": {
      if (program.how === "sync") return see(scene, syncTrace(program.n) as ActionPromise<number>);
      if (program.how === "fail") return see(scene, failingTrace(program.n) as ActionPromise<number>);
      const asyncTrace = trace(async function asyncTrace(n: number): Promise<number> {
        await scene.wait(5);
        return n;
      });
      return see(scene, asyncTrace(program.n) as ActionPromise<number>);
    }
    case "sleep":
      await see(scene, sleep(program.ms));
      return "slept";
    case "ask":
      return interpretAsk(program.name, program.timeoutMs, scene);
    case "draw":
      if (scene.isSteady) scene.execution.seen.push(`drew ${random()} ${uuid()} ${now()}`);
      return "drawn";
    case "checkpoint": {
      const { checkpoint } = ctx();
      const loaded = checkpoint.load();
      if (loaded !== undefined && typeof loaded !== "number") throw new Error(`strange checkpoint ${loaded}`);
      await checkpoint.save(program.n);
      return program.n;
    }
    case "fire":
      callNode(program.body, {}).catch(failure);
      return "fired";
    case "recurse": {
      if (program.depth === 0) return 1;
      const below: Program = { ...program, depth: program.depth - 1 };
      const calls = Array.from({ length: program.width }, () => see(scene, callNode(below, {})));
      const values = (await Promise.all(calls)).map(unstamped) as number[];
      return values.reduce((sum, one) => sum + one, 0);
    }
    case "cached": {
      const cache = { mode: "override" as const, version: "1", serialize: program.serialize };
      const call = callTask({ ...CACHED, options: { cache } }, { key: program.key });
      return unstamped(await see(scene, call));
    }
    case "late": {
      const limits = program.limit === "attempt" ? { attemptMs: 150 } : { deadlineMs: 150 };
      const body: Program =
        program.limit === "attempt" ? { op: "wait", ms: 60_000 } : { op: "sleep", ms: 60_000 };
      return see(scene, callTask({ ...NODE, options: { limits } }, { program: body }));
    }
  }
}

async function interpretMap(program: Program & { op: "map" }, scene: Scene): Promise<unknown> {
  const node = createTask(NODE, []) as Task<NodeInput, Stamped>;
  const inputs = program.bodies.map((body) => ({ program: body }));
  const { concurrency } = program;
  const { seen } = scene.execution;
  if (!program.settle) {
    const results = await map(node, inputs, { concurrency });
    seen.push(`map ${JSON.stringify(results)}`);
    return results.map(unstamped);
  }
  const results = await map(node, inputs, { concurrency, settle: true });
  seen.push(
    `map ${results.map((one) => (one.status === "fulfilled" ? JSON.stringify(one.value) : one.reason.message)).join()}`,
  );
  return results.map((one) => (one.status === "fulfilled" ? unstamped(one.value) : failure(one.reason)));
}

async function interpretWinner(bodies: readonly Program[], scene: Scene): Promise<unknown> {
  const calls = bodies.map((body) => callNode(body, {}));
  const watched = calls.map((call) => see(scene, call).catch(failure));
  await Promise.race(watched);
  for (const call of calls) call.abort("another was first");
  await Promise.all(watched);
  return "won";
}

async function interpretAsk(name: string, timeoutMs: number | null, scene: Scene): Promise<unknown> {
  try {
    await see(scene, condition({ name, ...(timeoutMs !== null && { timeout: timeoutMs }) }));
  } catch (error) {
    failure(error);
  }
  return "asked";
}

function callNode(body: Program, shape: CallShape): ActionPromise<unknown> {
  const { failFirst = 0, retryDelayMs, key, priority, attemptMs } = shape;
  const options: CallOptions = {
    ...(failFirst > 0 && {
      retries: { count: failFirst, ...(retryDelayMs !== undefined && { delayMs: retryDelayMs }) },
    }),
    ...(key !== undefined && { concurrency: { key: key.name, limit: key.limit } }),
    ...(priority !== undefined && { priority }),
    ...(attemptMs !== undefined && { limits: { attemptMs } }),
  };
  return callTask({ ...NODE, options }, { program: body, ...(failFirst > 0 && { failFirst }) });
}

/** Notes what comes of an action when user code learns of it. */
async function see<Result>(scene: Scene, action: ActionPromise<Result>): Promise<Result> {
  const { seen } = scene.execution;
  try {
    const result = await action;
    seen.push(`${action.actionId} ${JSON.stringify(result)}`);
    return result;
  } catch (error) {
    const { name, message } = error as Error;
    seen.push(`${action.actionId} ${name}: ${message}`);
    throw error;
  }
}

function unstamped(result: unknown): unknown {
  return (result as Stamped).value;
}

const EXPECTED_ERRORS: ReadonlySet<string> = new Set([
  "SimulatedError",
  "RetriesExhaustedError",
  "AbortedError",
  "TimeLimitError",
  "ConditionTimedOutError",
  "InterruptedError",
]);

/** A failure that a program takes in its stride; any other one is a mistake of somebody. */
function failure(error: unknown): "failed" {
  const { name } = error as Error;
  if (!EXPECTED_ERRORS.has(name)) throw error;
  return "failed";
}
