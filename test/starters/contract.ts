import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AbortedError, RunFailedError } from "../../src/core/errors.ts";
import { isTerminal } from "../../src/core/phase.ts";
import { remote } from "../../src/sdk/remote.ts";
import { type Run, run } from "../../src/sdk/run.ts";
import type { RunFilter } from "../../src/sdk/run-list.ts";
import { configureRuns, type RunStarter } from "../../src/sdk/starter.ts";
import type { CallableTask } from "../../src/sdk/task.ts";
import { add, broken, echo, far, waiting } from "./tasks.ts";

/** A starter of runs, with something behind it that executes them. */
export interface OpenStarter {
  readonly starter: RunStarter;
  close(): Promise<void>;
}

/** What every starter of runs has in common, whatever is behind it. */
export function starterContract(open: () => Promise<OpenStarter>): void {
  let opened: OpenStarter;

  beforeAll(async () => {
    opened = await open();
    configureRuns(opened.starter);
  });
  afterAll(async () => {
    configureRuns(undefined);
    await opened.close();
  });

  const idsOf = async (filter: RunFilter): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { id } of remote.runs(filter)) ids.push(id);
    return ids;
  };

  test("starts a run and gives its result", async () => {
    const started = await run(add, { a: 1, b: 2 });
    expect(await started.result()).toBe(3);
    expect(await started.wait()).toMatchObject({ phase: "succeeded", error: null });
    const { createdMs, endedMs } = await started.wait();
    expect(endedMs).toBeGreaterThanOrEqual(createdMs);
  });

  test("carries values that JSON does not have", async () => {
    const value = { at: new Date(5), ids: new Map([[1n, new Set(["x"])]]), none: undefined };
    expect(await (await run(echo, value)).result()).toEqual(value);
    expect(await (await run(echo, undefined)).result()).toBeUndefined();
  });

  test("tells how a run failed", async () => {
    const started = await run(broken);
    const failure = await started.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RunFailedError);
    expect(failure).toMatchObject({ message: expect.stringContaining(`run ${started.id} failed: too far`) });
    expect((failure as Error).cause).toMatchObject({ name: "RangeError", message: "too far" });
    expect(await started.wait()).toMatchObject({
      phase: "failed",
      error: { code: "TASK_FAILED", message: "too far" },
    });
  });

  test("aborts a run, as often as it is asked to", async () => {
    const started = await run(waiting);
    await started.abort("enough");
    await started.abort("again");
    expect(await started.wait()).toMatchObject({ phase: "aborted" });
    await expect(started.result()).rejects.toBeInstanceOf(AbortedError);
  });

  test("stops waiting when a signal fires, and leaves the run alone", async () => {
    const started = await run(waiting);
    const controller = new AbortController();
    const result = started.result({ signal: controller.signal });
    controller.abort(new Error("no more time"));
    await expect(result).rejects.toThrow("no more time");
    const [found] = await idsOf({ task: waiting, phase: ["queued", "running", "suspended"] });
    expect(found).toBe(started.id);
    await started.abort();
  });

  test("follows a run from its first event to its last", async () => {
    const phases: string[] = [];
    for await (const event of await run(add, { a: 1, b: 1 })) {
      if (event.type === "run") phases.push(event.phase);
    }
    expect(phases[0]).toBe("queued");
    expect(phases.at(-1)).toBe("succeeded");
    expect(phases.filter((phase) => isTerminal(phase as "succeeded"))).toHaveLength(1);
  });

  test("starts one run for one idempotency key", async () => {
    const key = { idempotencyKey: "the-same" };
    const [one, two] = [await run(add, { a: 2, b: 2 }, key), await run(add, { a: 2, b: 2 }, key)];
    expect(two.id).toBe(one.id);
  });

  describe("a run that exists", () => {
    test("is found by its id", async () => {
      const started = await run(add, { a: 3, b: 4 });
      const found: Run<number> = await remote.run<typeof add>(started.id);
      expect([found.id, await found.result()]).toEqual([started.id, 7]);
      const again = await remote.run((await run(waiting)).id);
      await again.abort();
      expect(await again.wait()).toMatchObject({ phase: "aborted" });
    });

    test("or not at all", async () => {
      await expect(remote.run("r-none")).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    });

    test("is listed by task, phase and labels, the newest first", async () => {
      const labels = { suite: "lists", note: "a,b=c" };
      const ids: string[] = [];
      for (const n of [1, 2, 3]) ids.unshift((await run(echo, n, { labels, name: `n${n}` })).id);
      const failed = await run(broken, undefined, { labels });
      for (const id of [...ids, failed.id]) await (await remote.run(id)).wait();
      const suite = { labels: { suite: "lists" } };
      expect(await idsOf({ task: echo, ...suite })).toEqual(ids);
      expect(await idsOf({ task: "starters.echo", labels, limit: 2 })).toEqual(ids.slice(0, 2));
      expect(await idsOf({ ...suite, phase: "failed" })).toEqual([failed.id]);
      expect(await idsOf({ labels: { ...labels, name: "n2" } })).toEqual([ids[1]]);
      expect(await idsOf({ labels: { suite: "list" } })).toEqual([]);
      expect(await idsOf({ ...suite, project: "elsewhere" })).toEqual([]);
      expect(await idsOf({ ...suite, domain: "elsewhere" })).toEqual([]);
      for await (const summary of remote.runs({ ...suite, phase: "failed" })) {
        expect(summary).toMatchObject({
          task: "starters.broken",
          project: "default",
          domain: "development",
          labels,
          error: { code: "TASK_FAILED", message: "too far" },
        });
      }
    });

    test("is listed however many there are", async () => {
      const labels = { suite: "pages" };
      const started = await Promise.all(Array.from({ length: 105 }, (_, n) => run(echo, n, { labels })));
      const ids = await idsOf({ labels });
      expect(new Set(ids)).toEqual(new Set(started.map(({ id }) => id)));
      expect(await idsOf({ labels, limit: 103 })).toEqual(ids.slice(0, 103));
    });
  });

  describe("a remote task", () => {
    const sum: CallableTask<{ a: number; b: number }, number> = remote.task<typeof add>("starters.add");

    test("is started by its name", async () => {
      expect(await sum({ a: 5, b: 6 })).toBe(11);
      const started = await run(sum, { a: 1, b: 1 }, { labels: { suite: "remote" } });
      expect(await started.result()).toBe(2);
      expect(await idsOf({ task: sum, labels: { suite: "remote" } })).toEqual([started.id]);
    });

    test("is called by a running task, at the version of its caller too", async () => {
      const results: unknown[] = [];
      for (const version of ["latest", "current", "v9"])
        results.push(await (await run(far, version)).result());
      expect(results).toEqual([21, 21, "TASK_NOT_FOUND"]);
    });

    test("that is not there is not started", async () => {
      for (const [name, version] of [
        ["starters.nothing", "latest"],
        ["nowhere.add", "latest"],
        ["starters.add", "v9"],
      ] as const) {
        const failure = await run(remote.task(name, { version }), 1).catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: "TASK_NOT_FOUND", message: expect.stringContaining(name) });
      }
    });
  });
}
