import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openLocalBlobs } from "../../adapters/local/blobs.ts";
import { MAX_INLINE_BYTES, writeStored } from "../../src/core/value/stored.ts";
import { encodeValue } from "../../src/core/value.ts";
import { startRun } from "../../src/engine/start.ts";
import { File, TaskEnvironment } from "../../src/index.ts";
import { projectBlobs } from "../../src/runner/blob-places.ts";
import { sha256Of } from "../../src/sdk/content.ts";
import { createHarness, type Harness } from "../../src/testing/index.ts";

const env = new TaskEnvironment({ name: "apart", cache: { version: "1" } });
const shared = env.task(async function shared(x: number) {
  return x;
});
const perProject = env.task(
  { cache: { version: "1", scope: "project" } },
  async function perProject(x: number) {
    return x;
  },
);

const everywhere = env.task(
  { cache: { version: "1", scope: "global" } },
  async function everywhere({ kind }: { kind: "small" | "large" | "file" }) {
    if (kind === "file") return File.fromBytes("mine");
    return kind === "small" ? "x" : "x".repeat(MAX_INLINE_BYTES + 1);
  },
);

let folder: string;
let harness: Harness;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "godwit-separation-"));
  harness = await createHarness({ values: { blobs: projectBlobs(openLocalBlobs({ folder })) } });
});
afterEach(async () => {
  await harness.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

describe("a cached result", () => {
  test("is of one project", async () => {
    for (const project of ["a", "b", "a", "b"]) await (await harness.run(shared, 1, { project })).result();
    expect(harness.executions(shared)).toBe(2);
  });

  test("is of one domain, unless the task says that it is for the project", async () => {
    for (const domain of ["development", "production", "production"]) {
      for (const task of [shared, perProject]) {
        await (await harness.run(task, 1, { domain })).result();
        await (await harness.run(task, 1, { domain, project: "other" })).result();
      }
    }
    expect(harness.executions(shared)).toBe(4);
    expect(harness.executions(perProject)).toBe(2);
  });

  test("is of all projects where the task says so, unless it lies among the blobs of one", async () => {
    const execute = async (kind: "small" | "large" | "file", project: string): Promise<unknown> =>
      (await harness.run(everywhere, { kind }, { project })).result();
    for (const [kind, executions] of [
      ["small", 1],
      ["large", 2],
      ["file", 2],
    ] as const) {
      const before = harness.executions(everywhere);
      const results = [];
      for (const project of ["a", "a", "b", "b"]) results.push(await execute(kind, project));
      expect([kind, harness.executions(everywhere) - before]).toEqual([kind, executions]);
      if (kind !== "file") expect(new Set(results).size).toBe(1);
    }
    const store = openLocalBlobs({ folder });
    for (const project of ["a", "b"]) {
      // A large value and a file.
      expect((await store.list({ prefix: `projects/${project}/sha256/` })).blobs).toHaveLength(2);
    }
    expect((await store.list()).blobs).toHaveLength(4);
  });
});

describe("a result that is computed once for all who wait", () => {
  test("is computed again where it cannot be read", async () => {
    const slow = env.task(
      { name: "slow", cache: { version: "1", scope: "global", serialize: true } },
      async function slow(length: number) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return "x".repeat(length);
      },
    );
    for (const [length, executions] of [
      [10, 1],
      [MAX_INLINE_BYTES + 1, 2],
    ] as const) {
      const before = harness.executions(slow);
      const runs = await Promise.all(["a", "b"].map((project) => harness.run(slow, length, { project })));
      const results = await Promise.all(runs.map((run) => run.result()));
      expect(results.map((result) => result.length)).toEqual([length, length]);
      expect([length, harness.executions(slow) - before]).toEqual([length, executions]);
    }
  });
});

describe("a large value", () => {
  test("is not given away by its hash to another project on the same runner", async () => {
    const large = env.task({ name: "large", cache: "disable" }, async (text: string) => text);
    const text = "secret".repeat(MAX_INLINE_BYTES);
    expect(await (await harness.run(large, text, { project: "a" })).result()).toBe(text);
    const bytes = encodeValue(text);
    const input = writeStored({ sha256: sha256Of(bytes), sizeBytes: bytes.length });
    const thief = await startRun(harness.core, {
      task: large.definition.name,
      input,
      deployment: "d",
      pool: "d",
      project: "b",
    });
    const end = await harness.runOf(thief).wait();
    expect(end.error).toMatchObject({ code: "VALUE_LOST" });
  });
});
