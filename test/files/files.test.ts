import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLocalBlobs } from "../../adapters/local/blobs.ts";
import { GodwitError } from "../../src/core/errors.ts";
import { canonicalValue, decodeValue, encodeValue } from "../../src/core/value.ts";
import { findRefs } from "../../src/core/value-ref.ts";
import { type BlobAccess, configureBlobs, Dir, File } from "../../src/index.ts";
import { projectBlobs } from "../../src/runner/blob-places.ts";
import { type EdgePosition, type EdgeRow, listEdges } from "../../src/store/edges.ts";
import { createHarness, type Harness } from "../../src/testing/index.ts";
import { startServer } from "../client/server.ts";
import { type BlobFolder, openBlobFolder } from "../coordinator/blob-folder.ts";
import { openSystem } from "../coordinator/system.ts";
import { consume, move, pass } from "./tasks.ts";

let folder: string;
let blobs: BlobAccess;
let harness: Harness | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "godwit-files-"));
  blobs = { store: openLocalBlobs({ folder: join(folder, "blobs") }) };
  configureBlobs(blobs);
});

afterEach(async () => {
  configureBlobs(undefined);
  await harness?.close();
  harness = undefined;
  // A loser of a race may still be on its way to the store.
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const roundTrip = <Value>(value: Value): Value => decodeValue(encodeValue(value)) as Value;

describe("a file", () => {
  it("is the same from a path, bytes and a stream, and after it travelled", async () => {
    const path = join(folder, "a.txt");
    await writeFile(path, "hello");
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield* [new TextEncoder().encode("hel"), new TextEncoder().encode("lo")];
    }
    const files = [
      await File.fromPath(path, { mediaType: "text/plain" }),
      await File.fromBytes("hello", { name: "a.txt", mediaType: "text/plain" }),
      await File.fromStream(stream(), { name: "a.txt", mediaType: "text/plain" }),
    ];
    for (const file of [...files, ...files.map(roundTrip)]) {
      expect(file).toBeInstanceOf(File);
      expect(file).toMatchObject({ sizeBytes: 5, name: "a.txt", mediaType: "text/plain", producer: null });
      expect(file.sha256).toBe("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
      expect(await file.text()).toBe("hello");
    }
    // Where it is does not matter to the identity of a call that takes it; what is in it does.
    expect(new Set(files.map((file) => canonicalValue({ file }))).size).toBe(1);
    expect(canonicalValue(await File.fromBytes("hullo"))).not.toBe(canonicalValue(files[0]));
  });

  it("is downloaded whole, and checked while it is read", async () => {
    const file = await File.fromBytes("x".repeat(100_000));
    await file.download(join(folder, "new", "copy"));
    expect(await readFile(join(folder, "new", "copy"), "utf8")).toBe("x".repeat(100_000));
    const path = decodeURIComponent(new URL(file.uri).pathname);
    await writeFile(path, "y".repeat(100_000));
    await expect(file.bytes()).rejects.toMatchObject({ code: "BLOB_CHECKSUM_MISMATCH" });
  });

  it("can be one that was there before", async () => {
    await blobs.store.put({ key: "old/data.csv", body: new TextEncoder().encode("a,b") });
    const file = await File.fromUri(blobs.store.uriOf("old/data.csv"));
    expect(file).toMatchObject({ name: "data.csv", sizeBytes: 3 });
    expect(await roundTrip(file).text()).toBe("a,b");
    await expect(File.fromUri(blobs.store.uriOf("old/none"))).rejects.toMatchObject({
      code: "BLOB_NOT_FOUND",
    });
    await expect(File.fromUri("s3://other/key")).rejects.toMatchObject({ code: "BLOB_STORE_MISSING" });
  });

  it("is refused when what came from outside is none", () => {
    for (const payload of [{}, { uri: 1 }, { uri: "file:///x", sha256: "../", sizeBytes: 1 }]) {
      expect(() => decodeValue(JSON.stringify({ $file: payload }))).toThrow(GodwitError);
    }
  });
});

describe("a folder", () => {
  it("keeps its files, sends equal ones once, and has a hash of its content", async () => {
    const from = join(folder, "from");
    await mkdir(join(from, "sub"), { recursive: true });
    for (const [path, text] of [
      ["a", "1"],
      ["b", "1"],
      ["sub/c d", "2"],
    ] as const)
      await writeFile(join(from, path), text);
    const dir = roundTrip(await Dir.fromPath(from));
    expect(dir).toBeInstanceOf(Dir);
    expect(dir).toMatchObject({ fileCount: 3, sizeBytes: 3, name: "from" });
    const names: (string | null)[] = [];
    for await (const file of dir.files()) names.push(file.name);
    expect(names).toStrictEqual(["a", "b", "sub/c d"]);
    expect(await (await dir.file("sub/c d"))?.text()).toBe("2");
    await dir.download(join(folder, "to"));
    expect((await Dir.fromPath(join(folder, "to"))).hash).toBe(dir.hash);
    // Two contents and one manifest.
    expect((await blobs.store.list({ prefix: "sha256/" })).blobs).toHaveLength(3);
  });

  it("of 10,000 files goes there and back", { timeout: 60_000 }, async () => {
    const from = join(folder, "many");
    await mkdir(from);
    // Few contents under many names: what counts here is the number of transfers.
    for (let at = 0; at < 10_000; at++) await writeFile(join(from, `f${at}`), String(at % 50));
    const dir = await Dir.fromPath(from);
    expect(dir.fileCount).toBe(10_000);
    let count = 0;
    for await (const file of dir.files()) count += file.sizeBytes > 0 ? 1 : 0;
    expect(count).toBe(10_000);
    await dir.download(join(folder, "back"));
    expect(await readFile(join(folder, "back", "f9999"), "utf8")).toBe(String(9999 % 50));
  });

  it("writes nothing outside of where it is downloaded to", async () => {
    const entry = { path: "../evil", sha256: (await File.fromBytes("x")).sha256, sizeBytes: 1 };
    const manifest = await File.fromBytes(`${JSON.stringify(entry)}\n`);
    const given = {
      uri: manifest.uri,
      sha256: manifest.sha256,
      sizeBytes: 1,
      fileCount: 1,
      name: null,
      producer: null,
    };
    const dir = decodeValue(JSON.stringify({ $dir: given })) as Dir;
    await expect(dir.download(join(folder, "to"))).rejects.toMatchObject({ code: "BLOB_URI_INVALID" });
  });
});

describe("files between tasks", () => {
  it("travel as references, name their producer and leave edges", async () => {
    const from = join(folder, "from");
    await mkdir(from);
    await writeFile(join(from, "a"), "1");
    const system = await createHarness({ suspend: "always", values: { blobs: projectBlobs(blobs.store) } });
    harness = system;
    const run = await system.run(move, { from, to: join(folder, "to") });
    const { dir, note } = await run.result();
    expect(await note.text()).toBe("1 files");
    const actions = await run.actions();
    const id = (task: string): string => actions.find((action) => action.task === `files.${task}`)?.id ?? "";
    expect(dir.producer).toStrictEqual({ run: run.id, action: id("pack") });
    expect(note.producer).toStrictEqual({ run: run.id, action: "a0" });
    const edges = await system.core.driver.read((sql) =>
      listEdges(sql, { runId: run.id, action: null }, { after: null, limit: 100 }),
    );
    const shown = edges.map(({ action_id, direction, kind, producer_action }) => [
      action_id,
      direction,
      kind,
      producer_action,
    ]);
    expect(shown).toStrictEqual(
      [
        ["a0", "out", "dir", id("pack")],
        ["a0", "out", "file", "a0"],
        [id("pack"), "out", "dir", id("pack")],
        [id("unpack"), "in", "dir", id("pack")],
      ].sort((a, b) => (`${a[0]} ${a[1]}` < `${b[0]} ${b[1]}` ? -1 : 1)),
    );
    const first = edges[0] as EdgeRow;
    const after: EdgePosition = [first.action_id, first.direction, first.nth];
    const page = await system.core.driver.read((sql) =>
      listEdges(sql, { runId: run.id, action: null }, { after, limit: 1 }),
    );
    expect(page).toStrictEqual(edges.slice(1, 2));
  });

  it("connect a run to the file it was started with", async () => {
    const file = await File.fromBytes("x".repeat(10));
    expect(findRefs(encodeValue([{ deep: new Map([["a", file]]) }]))).toMatchObject([
      { kind: "file", sha256: file.sha256 },
    ]);
    const system = await createHarness({ values: { blobs: projectBlobs(blobs.store) } });
    harness = system;
    const run = await system.run(consume, { file });
    expect(await run.result()).toMatchObject({ bytes: 10 });
    const [edge] = await system.core.driver.read((sql) =>
      listEdges(sql, { runId: run.id, action: "a0" }, { after: null, limit: 10 }),
    );
    expect(edge).toMatchObject({ direction: "in", uri: file.uri, producer_run: null });
  });

  it("need a blob store", async () => {
    harness = await createHarness();
    configureBlobs(undefined);
    const error = await (await harness.run(pass, { bytes: 1 })).result().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ cause: { code: "BLOB_STORE_MISSING" } });
  });

  it("take no more memory when they are larger", { timeout: 120_000 }, async () => {
    await expectBounded(join(folder, "probe"));
  });

  it("take no more memory through a coordinator either", { timeout: 120_000 }, async () => {
    let served: BlobFolder | undefined;
    let answer: (request: Request) => Response | Promise<Response> = () =>
      new Response(null, { status: 503 });
    const server = await startServer((request) =>
      new URL(request.url).pathname.startsWith("/blobs/")
        ? (served as BlobFolder).fetch(request)
        : answer(request),
    );
    served = await openBlobFolder(Date.now, `${server.endpoint}/blobs`);
    const system = await openSystem({ blobs: served.store });
    answer = (request) => system.app.fetch(request);
    try {
      await expectBounded(server.endpoint);
    } finally {
      await server.kill();
      await system.close();
      await served.close();
    }
  });
});

async function expectBounded(place: string): Promise<void> {
  const small = await probe(place, 64);
  const whole = await probe(place, 200);
  expect(whole.bytes).toBe(200 * 1024 * 1024);
  expect(whole.peakKiB - small.peakKiB).toBeLessThan(40 * 1024);
}

async function probe(place: string, mib: number): Promise<{ bytes: number; peakKiB: number }> {
  const script = new URL("memory-probe.ts", import.meta.url).pathname;
  const args = ["--conditions=source", "--max-semi-space-size=4", script, place, String(mib)];
  return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout);
}
