import { afterEach, describe, expect, test } from "vitest";
import { group } from "../../src/sdk/group.ts";
import { map } from "../../src/sdk/map.ts";
import { remote } from "../../src/sdk/remote.ts";
import { run } from "../../src/sdk/run.ts";
import type { RunQuery, RunSummary } from "../../src/sdk/run-list.ts";
import type { ActionPromise, TaskCall } from "../../src/sdk/session.ts";
import { configureRuns, type RunHandle, type RunRequest, type RunStarter } from "../../src/sdk/starter.ts";
import { FakeSession } from "./fake-session.ts";

/** A starter that ends every run with its input, and a session that does so with every call. */
class Echo implements RunStarter {
  readonly requests: RunRequest[] = [];
  readonly queries: RunQuery[] = [];
  readonly attached: string[] = [];
  readonly aborts: string[] = [];

  async start(request: RunRequest): Promise<RunHandle> {
    this.requests.push(request);
    return this.#handle(`r${this.requests.length}`, request.input);
  }

  async attach(id: string): Promise<RunHandle> {
    this.attached.push(id);
    return this.#handle(id, "attached");
  }

  async *list(query: RunQuery): AsyncGenerator<RunSummary, void, void> {
    this.queries.push(query);
    yield* [];
  }

  #handle(id: string, result: unknown): RunHandle {
    return {
      id,
      url: null,
      wait: async () => ({ phase: "succeeded", createdMs: 0, endedMs: 1, error: null }),
      result: async () => result,
      abort: async (reason) => void this.aborts.push(`${id}: ${reason}`),
      events: async function* () {},
    };
  }
}

class EchoSession extends FakeSession {
  override call(spec: TaskCall): ActionPromise<unknown> {
    this.calls.push(spec);
    return Object.assign(Promise.resolve(spec.input), { actionId: "a", abort: () => undefined });
  }
}

function echo(): Echo {
  const starter = new Echo();
  configureRuns(starter);
  return starter;
}

afterEach(() => configureRuns(undefined));

describe("in a running task", () => {
  test("a remote task is called as an action, at the version it names", async () => {
    const session = new EchoSession({ context: { tenant: "acme" } });
    const predict = remote.task<(x: number) => number>("models.predict", {
      version: "7",
      domain: "production",
    });
    expect(predict.fullName).toBe("models.predict");
    expect(predict.name).toBe("predict");
    expect(await session.run(() => predict(1))).toBe(1);
    const options = { remote: { version: "7", domain: "production" }, context: { tenant: "acme" } };
    expect(session.calls).toEqual([{ task: "models.predict", input: 1, options }]);
  });

  test("a call says only what it changes of the settings that the task was deployed with", async () => {
    const session = new EchoSession();
    const predict = remote.task<(x: number) => number>("models.predict");
    const bare = predict
      .override({ retries: 2, priority: 3, concurrency: 5 })
      .override({ retries: 0, cache: "disable", timeout: null, label: "mine" });
    await session.run(() => Promise.all([predict(1), bare(2), bare.override({ concurrency: null })(3)]));
    const remoteOf = { remote: { version: "latest" } };
    const changes = {
      retries: { count: 0 },
      priority: 3,
      cache: { mode: "disable" },
      limits: null,
      label: "mine",
    };
    expect(session.calls.map(({ options }) => options)).toEqual([
      remoteOf,
      { ...remoteOf, ...changes, concurrency: { key: "models.predict", limit: 5 } },
      { ...remoteOf, ...changes, concurrency: null },
    ]);
  });

  test("it goes where tasks go: map, group, run", async () => {
    const starter = echo();
    const session = new EchoSession();
    const predict = remote.task<(x: number) => number>("models.predict", { version: "current" });
    const results = await session.run(() => group("all", () => map(predict, [1, 2])));
    expect(results).toEqual([1, 2]);
    expect(session.calls.map(({ options }) => [options.group, options.map, options.remote])).toEqual([
      ["all", 1, { version: "current" }],
      ["all", 1, { version: "current" }],
    ]);
    const started = await session.run(() => run(predict.override({ priority: 4 }), 3, { name: "third" }));
    expect(await started.result()).toBe(3);
    expect(starter.requests).toMatchObject([
      {
        task: { name: "models.predict", remote: { version: "current" }, overrides: { priority: 4 } },
        input: 3,
        options: { name: "third" },
      },
    ]);
  });
});

describe("outside", () => {
  test("a call is a run of its own, and gives its result", async () => {
    const starter = echo();
    const predict = remote.task<(x: number) => number>("models.predict");
    expect(await predict(1)).toBe(1);
    expect(await map(predict, [2, 3])).toEqual([2, 3]);
    expect(starter.requests.map(({ input }) => input)).toEqual([1, 2, 3]);
  });

  test("aborting the call aborts the run", async () => {
    const starter = echo();
    const call = remote.task<(x: number) => number>("models.predict")(1);
    call.abort("too slow");
    await expect(call).rejects.toThrow("too slow");
    await expect.poll(() => starter.aborts).toEqual(["r1: too slow"]);
  });

  test("there is no calling code whose version could be meant", async () => {
    const starter = echo();
    const predict = remote.task<(x: number) => number>("models.predict", { version: "current" });
    for (const call of [() => predict(1), () => run(predict, 1)]) {
      await expect(call()).rejects.toMatchObject({
        code: "OPTION_INVALID",
        message: expect.stringContaining('"current" means the version of the calling code'),
        hint: 'Name a version, or use "latest".',
      });
    }
    expect(starter.requests).toEqual([]);
  });
});

test.each(["predict", "models.", ".predict", "Models.predict", "a.b.c", "models.pre dict", "", 7])(
  "%j names no task",
  (name) => {
    expect(() => remote.task(name as string)).toThrow(
      expect.objectContaining({
        code: "TASK_NAME_INVALID",
        hint: expect.stringContaining("`hello.predict`"),
      }),
    );
  },
);

test.each([
  [{ versoin: "7" }, "OPTION_INVALID", "Did you mean `version`?"],
  [{ version: "" }, "OPTION_INVALID", "`version` takes a text"],
  [{ version: 7 }, "OPTION_INVALID", "`version` takes a text that is not empty, not 7"],
  ["7", "OPTION_INVALID", "takes an object such as `{ version }`"],
  [{ project: "../other" }, "PROJECT_INVALID", '"../other"'],
  [{ domain: "Live" }, "DOMAIN_INVALID", '"Live"'],
])("%j is refused when the task is named", (settings, code, message) => {
  const define = () => remote.task("models.predict", settings as never);
  expect(define).toThrow(expect.objectContaining({ code }));
  expect(define).toThrow(message);
});

describe("runs that exist", () => {
  test("are attached to by id", async () => {
    const starter = echo();
    const found = await remote.run("r7");
    expect([found.id, await found.result(), starter.attached]).toEqual(["r7", "attached", ["r7"]]);
    await expect(remote.run("")).rejects.toMatchObject({ code: "OPTION_INVALID" });
  });

  test("are listed by what is asked for", async () => {
    const starter = echo();
    const task = remote.task("models.predict");
    for await (const _ of remote.runs()) throw new Error("there is none");
    for await (const _ of remote.runs({
      task,
      phase: "failed",
      labels: { team: "a,b" },
      project: "p",
      limit: 3,
    })) {
      throw new Error("there is none");
    }
    for await (const _ of remote.runs({ task: "a.b", phase: ["queued", "running"], domain: "d" })) {
      throw new Error("there is none");
    }
    expect(starter.queries).toEqual([
      { phases: [], labels: {} },
      { task: "models.predict", phases: ["failed"], labels: { team: "a,b" }, project: "p", limit: 3 },
      { task: "a.b", phases: ["queued", "running"], labels: {}, domain: "d" },
    ]);
  });

  test.each([
    [{ phase: "done" }, "`phase` takes"],
    [{ limit: 0 }, "`limit` takes an integer of at least 1"],
    [{ task: 7 }, "`task` takes a text"],
    [{ task: {} }, "`task` takes a text"],
    [{ labels: { a: 1 } }, "`labels`.a takes a text"],
    [{ state: "failed" }, "has no option `state`"],
  ])("are not listed by %j", (filter, message) => {
    expect(() => remote.runs(filter as never)).toThrow(message);
  });
});
