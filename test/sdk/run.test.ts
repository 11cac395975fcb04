import { afterEach, expect, test } from "vitest";
import * as z from "zod";
import type { RunEvent } from "../../src/core/event.ts";
import { invokeTask } from "../../src/sdk/definition.ts";
import { TaskEnvironment } from "../../src/sdk/environment.ts";
import { registry } from "../../src/sdk/registry.ts";
import { run } from "../../src/sdk/run.ts";
import { configureRuns, type RunHandle, type RunRequest, type RunStarter } from "../../src/sdk/starter.ts";
import { FakeSession } from "./fake-session.ts";

const env = new TaskEnvironment({ name: "runs" });
const add = env.task({ input: z.object({ a: z.number(), b: z.number() }) }, async function add({ a, b }) {
  return a + b;
});
const hello = env.task(async function hello() {
  return "hello";
});

class FakeStarter implements RunStarter {
  readonly requests: RunRequest[] = [];
  readonly aborts: string[] = [];

  async start(request: RunRequest): Promise<RunHandle> {
    this.requests.push(request);
    const events: RunEvent[] = [
      { type: "run", seq: 1, atMs: 0, phase: "queued" },
      { type: "run", seq: 2, atMs: 1, phase: "succeeded" },
    ];
    return {
      id: `r${this.requests.length}`,
      url: null,
      result: () => invokeTask(registry.get(request.task.name), request.input),
      wait: async () => ({ phase: "succeeded", createdMs: 0, endedMs: 1, error: null }),
      abort: async (reason) => void this.aborts.push(reason),
      events: async function* () {
        yield* events;
      },
    };
  }

  attach(): never {
    throw new Error("nothing is attached to here");
  }

  list(): never {
    throw new Error("nothing is listed here");
  }
}

function configured(): FakeStarter {
  const starter = new FakeStarter();
  configureRuns(starter);
  return starter;
}

afterEach(() => configureRuns(undefined));

test("a run is started with the task, its input and settings", async () => {
  const starter = configured();
  const started = await run(add, { a: 1, b: 2 }, { labels: { team: "search" } });
  expect(started.id).toBe("r1");
  expect(started.url).toBeNull();
  expect(await started.result()).toBe(3);
  expect(await started.wait()).toMatchObject({ phase: "succeeded" });
  await started.abort("enough");
  expect(starter.aborts).toEqual(["enough"]);
  expect(starter.requests).toEqual([
    { task: add.definition, input: { a: 1, b: 2 }, options: { labels: { team: "search" } } },
  ]);
});

test("a run is a stream of its events", async () => {
  configured();
  const phases: string[] = [];
  for await (const event of await run(hello)) phases.push(event.phase);
  expect(phases).toEqual(["queued", "succeeded"]);
});

test("overrides of the task are settings of the root action", async () => {
  const starter = configured();
  await run(hello.override({ retries: 2 }));
  expect(starter.requests[0]?.task.options).toEqual({ retries: { count: 2 } });
});

test("nothing is started with an input or a setting that is refused", async () => {
  const starter = configured();
  await expect(run(add, { a: 1, b: "2" } as never)).rejects.toMatchObject({ code: "INPUT_INVALID" });
  await expect(run(hello, undefined, { lables: {} } as never)).rejects.toThrow("Did you mean `labels`?");
  await expect(run(hello, undefined, { cache: "off" } as never)).rejects.toMatchObject({
    code: "OPTION_INVALID",
  });
  expect(starter.requests).toEqual([]);
});

test("in a task a replay asks for the same run again", async () => {
  const starter = configured();
  await new FakeSession().run(() => run(hello));
  await new FakeSession().run(() => run(hello));
  await new FakeSession().run(() => run(hello, undefined, { idempotencyKey: "mine" }));
  expect(starter.requests.map(({ options }) => options.idempotencyKey)).toEqual([
    "r1/uuid-1",
    "r1/uuid-1",
    "mine",
  ]);
});
