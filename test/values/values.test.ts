import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLocalBlobs } from "../../adapters/local/blobs.ts";
import { cacheInputHash, inputHashes } from "../../src/core/cache.ts";
import { GodwitError } from "../../src/core/errors.ts";
import { isStored, MAX_INLINE_BYTES, readStored, writeStored } from "../../src/core/value/stored.ts";
import { decodeValue, encodeValue } from "../../src/core/value.ts";
import { readInput } from "../../src/engine/start.ts";
import { ctx, TaskEnvironment, trace } from "../../src/index.ts";
import type { BlobStore } from "../../src/ports/blobs.ts";
import { projectBlobs } from "../../src/runner/blob-places.ts";
import { readOutcomes } from "../../src/store/actions.ts";
import { createHarness, type Harness } from "../../src/testing/index.ts";

const env = new TaskEnvironment({ name: "values" });
const large = (of: string): string => of.repeat(MAX_INLINE_BYTES);

const echo = env.task({ cache: { mode: "override", version: "1" } }, async function echo(text: string) {
  return text;
});
const plain = env.task(async function plain(text: string) {
  return text;
});
const ignored = env.task(async function ignored(text: string) {
  return text;
});
const main = env.task(async function main({ text }: { text: string }) {
  void ignored(text.replaceAll("x", "y"));
  const [one, two] = await Promise.all([plain(text), plain(`${text}2`)]);
  const traced = await trace(async function double(value: string) {
    return value + value;
  })(text);
  return { one, two, traced };
});
const saver = env.task({ retries: 1 }, async function saver() {
  const { attempt, checkpoint } = ctx();
  if (attempt > 1) return checkpoint.load();
  await checkpoint.save(large("c"));
  throw new Error("the first attempt fails");
});
const racer = env.task(async function racer() {
  const order: string[] = [];
  const note = (name: string, call: Promise<string>): Promise<void> => call.then(() => void order.push(name));
  await Promise.all([note("large", plain(large("l"))), note("small", plain("s"))]);
  const first = await Promise.race([plain(large("a")), plain("b")]);
  return { order, first: first.slice(0, 1) };
});
const big = env.task(async function big() {
  return "b".repeat(11 * 1024 * 1024);
});

let isFirst = true;
const maker = env.task(async function maker() {
  return large("q");
});
const reader = env.task(async function reader() {
  const text = await maker();
  if (isFirst) throw new Error("the first one fails");
  return text.length;
});

let folder: string;
let harness: Harness | undefined;
let reads: string[];

function counted(store: BlobStore): BlobStore {
  return new Proxy(store, {
    get(target, name: keyof BlobStore) {
      const value = target[name];
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (name === "get") reads.push((args[0] as { key: string }).key);
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

async function open(options: { suspend?: "always" | "auto"; runners?: number } = {}): Promise<Harness> {
  return createHarness({
    ...options,
    values: { blobs: projectBlobs(counted(openLocalBlobs({ folder }))) },
  });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "godwit-values-"));
  reads = [];
});

afterEach(async () => {
  await harness?.close();
  harness = undefined;
  // A loser of a race may still be on its way to the store.
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

describe("a large value", () => {
  it("is stored as a reference and read where it is needed, in the call, the result and a trace", async () => {
    harness = await open();
    const text = large("x");
    const run = await harness.run(main, { text });
    expect(await run.result()).toStrictEqual({ one: text, two: `${text}2`, traced: text + text });
    const rows = await run.actions();
    for (const { id, task } of rows) {
      const [row] = await harness.core.driver.read((sql) =>
        readOutcomes(sql, [{ run_id: run.id, action_id: id }]),
      );
      expect(isStored((await readInput(harness.core, run.id, id)) ?? ""), `input of ${task}`).toBe(true);
      if (task !== "values.ignored") expect(isStored(row?.result ?? ""), `result of ${task}`).toBe(true);
    }
    expect(await readdir(join(folder, "projects", "default", "sha256"))).not.toHaveLength(0);
  });

  it("makes no difference to ids and cache keys", async () => {
    const idsOf = async (system: Harness): Promise<unknown> => {
      const run = await system.run(main, { text: large("x") });
      await run.result();
      const ids = (await run.actions()).map(({ id }) => id).sort();
      await system.close();
      return ids;
    };
    expect(await idsOf(await open())).toStrictEqual(await idsOf(await createHarness()));

    const text = encodeValue({ b: large("x"), a: 1 });
    const stored = writeStored({ sha256: "0".repeat(64), sizeBytes: 1, ...inputHashes(text, ["a"]) });
    expect(cacheInputHash(stored)).toBe(cacheInputHash(text));
    expect(cacheInputHash(stored, ["a"])).toBe(cacheInputHash(encodeValue({ a: 2, b: large("x") }), ["a"]));
    expect(cacheInputHash(stored, ["b"])).toBeNull();
  });

  it("is found in the cache by its content", async () => {
    harness = await open();
    const first = await (await harness.run(echo, large("k"))).result();
    expect(await (await harness.run(echo, large("k"))).result()).toBe(first);
    expect(harness.executions(echo)).toBe(1);
  });

  it("is delivered in the recorded order, also on replays", async () => {
    for (const suspend of ["auto", "always"] as const) {
      harness = await open({ suspend });
      const run = await harness.run(racer, undefined, { strict: true });
      expect((await run.result()).order.toSorted()).toStrictEqual(["large", "small"]);
      expect(await run.divergences()).toStrictEqual([]);
      await harness.close();
      harness = undefined;
    }
  });

  it("is not fetched when nobody awaits it", async () => {
    harness = await open({ suspend: "always", runners: 2 });
    const run = await harness.run(main, { text: large("x") });
    await run.result();
    const [row] = await run.actions("values.ignored");
    const input = readStored((await readInput(harness.core, run.id, row?.id ?? "")) ?? "");
    // Its result is the same text as its input: whoever fetched it did so for the input alone.
    expect(reads.filter((key) => key.endsWith(input?.sha256 ?? "-")).length).toBeLessThanOrEqual(1);
  });

  it("can be a checkpoint", async () => {
    harness = await open();
    expect(await (await harness.run(saver)).result()).toBe(large("c"));
  });

  it("fails its reader with its hash and action when it is gone, and is not tried again", async () => {
    const store = openLocalBlobs({ folder });
    const losing: BlobStore = Object.assign(Object.create(store), {
      capabilities: store.capabilities,
      uriOf: (key: string) => store.uriOf(key),
      head: (params: { key: string }) => store.head(params),
      putIfAbsent: (params: Parameters<BlobStore["putIfAbsent"]>[0]) => store.putIfAbsent(params),
      async get(params: { key: string }) {
        await store.delete({ key: params.key });
        return store.get(params);
      },
    });
    harness = await createHarness({ values: { blobs: projectBlobs(losing) } });
    const run = await harness.run(plain.override({ retries: 3 }), large("g"));
    const error = await run.result().catch((thrown: unknown) => thrown as GodwitError);
    expect(error).toMatchObject({ cause: { code: "VALUE_LOST", kind: "user", retryable: false } });
    expect(String((error as GodwitError).cause)).toMatch(/input of action a0 .*SHA-256 [0-9a-f]{64}/);
    expect(harness.executions(plain)).toBe(0);
  });

  it("fails whoever reads a recorded result that is gone, a parent or the starter of the run", async () => {
    const store = openLocalBlobs({ folder: join(folder, "blobs") });
    const reopen = async (): Promise<Harness> => {
      await harness?.close();
      harness = await createHarness({ store: join(folder, "data"), values: { blobs: projectBlobs(store) } });
      return harness;
    };
    const first = await reopen();
    isFirst = true;
    const parent = await first.run(reader);
    const root = await first.run(maker);
    await expect(parent.result()).rejects.toThrow("the first one fails");
    expect(await root.result()).toBe(large("q"));
    const [child] = await parent.actions(maker);
    for (const { key } of (await store.list()).blobs) await store.delete({ key });
    // Another process, which has nothing of it in memory.
    const second = await reopen();
    isFirst = false;
    const lost = { code: "VALUE_LOST", kind: "user", retryable: false };
    const again = await second.recover(parent.id);
    const error = await again.result().catch((thrown: unknown) => thrown as GodwitError);
    expect(error).toMatchObject({ cause: lost });
    const named = new RegExp(`result of action ${child?.id} .*SHA-256 [0-9a-f]{64}`);
    expect(String((error as GodwitError).cause)).toMatch(named);
    await expect(second.runOf(root.id).result()).rejects.toMatchObject({
      ...lost,
      message: expect.stringMatching(/result of action a0 .*SHA-256 [0-9a-f]{64}/),
    });
    expect(second.executions(maker)).toBe(0);
  });

  it("has a limit all the same", async () => {
    harness = await open();
    const error = await (await harness.run(big)).result().catch((thrown: unknown) => thrown as GodwitError);
    expect(error).toMatchObject({ cause: { code: "INLINE_VALUE_TOO_LARGE" } });
  });
});

describe("a reference to a value", () => {
  it("cannot be forged by user code, which gets its own object back", () => {
    const forged = { $blob: { sha256: "0".repeat(64), sizeBytes: 1 } };
    const text = encodeValue(forged);
    expect(isStored(text)).toBe(false);
    expect(decodeValue(text)).toStrictEqual(forged);
  });

  it("is refused where nothing can fetch it, and when it is none", () => {
    expect(() => decodeValue(writeStored({ sha256: "0".repeat(64), sizeBytes: 1 }))).toThrow(GodwitError);
    for (const text of ['{"$blob":1}', '{"$blob":{"sha256":"../x","sizeBytes":1}}', '{"$blob":{']) {
      expect(() => readStored(text)).toThrow(/cannot be read|not JSON/);
    }
  });
});
