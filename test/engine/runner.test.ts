import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  GodwitError,
  NonRecoverableError,
  OutOfMemoryError,
  TaskError,
  TimeLimitError,
} from "../../src/index.ts";
import { environment, errorOf, failureOf, harness } from "./harness.ts";

describe("a task", () => {
  test.each([
    ["a text", "just text"],
    ["nothing", undefined],
    ["an object", { status: 500 }],
    ["null", null],
  ])("that throws %s fails with an error that names it", async (_, thrown) => {
    const env = environment();
    const main = env.task(async function main() {
      throw thrown;
    });
    const h = await harness();
    const error = await failureOf<TaskError>(await h.run(main));
    expect(error).toBeInstanceOf(TaskError);
    expect(error).toMatchObject({ task: main.fullName, action: "a0" });
  });

  test("that throws before it returns a promise fails like any other", async () => {
    const env = environment();
    const main = env.task(function main(): Promise<number> {
      throw new RangeError("at once");
    });
    const h = await harness();
    expect(await failureOf(await h.run(main))).toMatchObject({ name: "RangeError", message: "at once" });
  });

  test("that returns what cannot travel says so", async () => {
    const env = environment();
    const child = env.task({ name: "child" }, async (): Promise<number> => (() => 1) as never);
    const main = env.task(async function main() {
      const error = await errorOf<GodwitError>(child());
      return [error instanceof GodwitError, error.task, error.code];
    });
    const h = await harness();
    const [isTyped, task, code] = await (await h.run(main)).result();
    expect([isTyped, task]).toEqual([true, child.fullName]);
    expect(code).toMatch(/VALUE/);
  });

  test("that never returns ends at its limit, and its slot is free again", async () => {
    const env = environment();
    const stuck = env.task({ timeout: "10s" }, async function stuck() {
      await new Promise(() => undefined);
    });
    const fine = env.task(async function fine() {
      return "fine";
    });
    const h = await harness({ clock: "manual", slots: 1 });
    const run = await h.run(stuck);
    await h.advance("1s");
    const next = await h.run(fine);
    await h.advance("1s");
    expect((await next.actions())[0]?.phase).toBe("queued");
    await h.advance("9s");
    expect(await next.result()).toBe("fine");
    expect(await failureOf(run)).toBeInstanceOf(TimeLimitError);
  });

  test("that is not there fails its caller, not the runner", async () => {
    const env = environment();
    const gone = env.task(async function gone() {
      return 1;
    });
    const main = env.task(async function main() {
      return (await errorOf<GodwitError>(gone())).code;
    });
    const h = await harness({ tasks: [main] });
    expect(await (await h.run(main)).result()).toBe("TASK_NOT_FOUND");
  });
});

describe("a runner's death", () => {
  function hanging() {
    const env = environment();
    const item = env.task({ name: "item" }, async (x: number): Promise<number> => {
      if (x > 0) await new Promise(() => undefined);
      return x;
    });
    return item;
  }

  test("is the fault of the only action it executed", async () => {
    const item = hanging();
    const h = await harness({ clock: "manual" });
    const run = await h.run(item, 1);
    await h.advance("1s");
    await h.killRunner({ kind: "out_of_memory", detail: "the heap is full" });
    await h.advance("1s");
    const error = await failureOf(run);
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error).toMatchObject({ task: item.fullName });
  });

  test("makes suspects of several, and each is executed alone until one is found", async () => {
    const item = hanging();
    const h = await harness({ clock: "manual", slots: 10 });
    const runs = [await h.run(item, 1), await h.run(item, 2)];
    await h.advance("1s");
    expect(h.executions(item)).toBe(2);
    await h.killRunner({ kind: "out_of_memory", detail: "the heap is full" });
    await h.advance("1s");
    // Alone: the other suspect waits, and so does whatever else there is.
    expect(h.executions(item)).toBe(3);
    const bystander = await h.run(item, 0);
    await h.advance("1s");
    expect((await bystander.actions())[0]?.phase).toBe("queued");
    await h.killRunner({ kind: "out_of_memory", detail: "the heap is full" });
    await h.advance("1s");
    const failed = await Promise.all(runs.map(async (run) => (await run.actions())[0]?.phase));
    expect(failed.filter((phase) => phase === "failed")).toHaveLength(1);
    expect(failed.filter((phase) => phase === "running")).toHaveLength(1);
    for (const run of runs) await run.abort("enough");
    await h.advance("1s");
    expect(await bystander.result()).toBe(0);
  });

  test("that was the machine's is nobody's fault", async () => {
    const item = hanging();
    const h = await harness({ clock: "manual" });
    const runs = [await h.run(item, 1), await h.run(item, 2)];
    await h.advance("1s");
    await h.killRunner();
    await h.advance("1s");
    expect(h.executions(item)).toBe(4);
    for (const run of runs)
      expect((await run.actions())[0]).toMatchObject({ phase: "running", system_failures: 1, isolated: 0 });
  });

  test("in order hands back what it did at no cost", async () => {
    const item = hanging();
    const h = await harness({ clock: "manual", runners: 2, slots: 1 });
    const run = await h.run(item, 1);
    await h.advance("1s");
    await h.stopRunner();
    await h.advance("1s");
    await h.stopRunner();
    expect((await run.actions())[0]).toMatchObject({ phase: "queued", user_failures: 0, system_failures: 0 });
  });
});

/** Runs a program with tasks in a process of its own, guarded like that of a real runner; gives what it prints. */
function program(body: string): Record<string, unknown> {
  const folder = mkdtempSync(join(tmpdir(), "godwit-runner-"));
  const src = new URL("../../src/", import.meta.url).href;
  const file = join(folder, "main.ts");
  writeFileSync(
    file,
    `import { TaskEnvironment } from "${src}index.ts";
     import { createHarness } from "${src}testing/index.ts";
     import { captureConsole } from "${src}runner/console.ts";
     import { guardProcess } from "${src}runner/stray.ts";
     const undo = [captureConsole({ tee: false }), guardProcess()];
     const env = new TaskEnvironment({ name: "guarded" });
     const bad = env.task({ name: "bad" }, async () => { ${body} });
     const good = env.task({ name: "good" }, async () => "good");
     const main = env.task({ name: "main" }, async () => {
       const error = await bad().then(() => undefined, (caught) => caught);
       return error === undefined ? {} : { code: error.code, name: error.name, message: error.message, task: error.task };
     });
     const harness = await createHarness();
     const run = await harness.run(main);
     const error = await run.result();
     const after = await (await harness.run(good)).result();
     const logs = (await run.logs()).map(({ text }) => text);
     const report = { error, after, lines: logs.length, characters: logs.join("").length, last: logs.at(-1) };
     await harness.close();
     for (const each of undo) each();
     console.log(JSON.stringify(report));`,
  );
  try {
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
      encoding: "utf8",
      timeout: 20_000,
    });
    if (status !== 0) throw new Error(`ended with ${status}: ${stderr}`);
    return JSON.parse(stdout) as Record<string, unknown>;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("a guarded process", () => {
  test("survives process.exit", () => {
    expect(program("process.exit(3);")).toMatchObject({
      error: {
        code: "PROCESS_EXITED",
        task: "guarded.bad",
        message: expect.stringContaining("process.exit(3)"),
      },
      after: "good",
    });
  });

  test("survives an error thrown from a timer", () => {
    const body = `setTimeout(() => { throw new RangeError("late"); }, 1); await new Promise(() => undefined);`;
    expect(program(body)).toMatchObject({
      error: { code: "TASK_FAILED", name: "RangeError", message: "late", task: "guarded.bad" },
      after: "good",
    });
  });

  test("survives a rejection that nobody handles", () => {
    const body = `void Promise.reject(new RangeError("forgotten")); await new Promise(() => undefined);`;
    expect(program(body)).toMatchObject({
      error: { code: "TASK_FAILED", name: "RangeError", message: "forgotten", task: "guarded.bad" },
      after: "good",
    });
  });

  test("keeps a bounded log of a task that prints 50 MB", () => {
    const body = `const line = "x".repeat(1023); for (let i = 0; i < 50 * 1024; i++) console.log(line);`;
    const report = program(body);
    expect(report).toMatchObject({ error: {}, after: "good" });
    expect(report["characters"]).toBeLessThan(1_200_000);
    expect(report["last"]).toMatch(/more characters were printed and not kept/);
  });
});

test("an error that says it is final passes through `failOnce`", async () => {
  const env = environment({ retries: 3 });
  const main = env.task(async function main() {
    return 1;
  });
  const h = await harness();
  h.failOnce(main, new NonRecoverableError("final"));
  expect(await failureOf(await h.run(main))).toMatchObject({ code: "NON_RECOVERABLE" });
});
