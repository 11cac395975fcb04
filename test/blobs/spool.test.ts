import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FreshUrl } from "../../adapters/remote/fresh-url.ts";
import { type Spooled, spool } from "../../adapters/remote/spool.ts";
import type { BlobSource } from "../../src/ports/blobs.ts";
import { sha256Of } from "../coordinator/blob-folder.ts";

const MIB = 1024 * 1024;
const UNLIMITED = Number.MAX_SAFE_INTEGER;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spool-"));
  vi.stubEnv("TMPDIR", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function* chunks(count: number, bytes = 64 * 1024): AsyncGenerator<Uint8Array> {
  // The same memory each time: whoever keeps a chunk has to copy it.
  const chunk = new Uint8Array(bytes);
  for (let at = 0; at < count; at++) yield chunk.fill(at);
}

async function collect(body: ReturnType<Spooled["body"]>): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body);
  const found: Uint8Array[] = [];
  for await (const chunk of body) found.push(chunk.slice());
  return Buffer.concat(found);
}

const whole = (count: number, bytes = 64 * 1024): Promise<Buffer> => collect(chunks(count, bytes));

test("gives the same bytes as often as they are asked for, from memory and from disk", async () => {
  for (const count of [0, 1, 16, 17, 100]) {
    const expected = await whole(count);
    const spooled = await spool({ key: "k", body: chunks(count) }, UNLIMITED);
    expect(spooled).toMatchObject({ sizeBytes: expected.length, sha256: sha256Of(expected) });
    expect(spooled.body() instanceof Uint8Array).toBe(expected.length <= MIB);
    for (let nth = 0; nth < 2; nth++) expect((await collect(spooled.body())).equals(expected)).toBe(true);
    await spooled.close();
  }
});

test.skipIf(process.platform === "win32")("leaves no name on the disk, even while it is used", async () => {
  const spooled = await spool({ key: "k", body: chunks(100) }, UNLIMITED);
  expect(await readdir(folder)).toEqual([]);
  await spooled.close();
});

test("leaves nothing of what is refused, breaks or is stopped", async () => {
  const stop = new AbortController();
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield* chunks(40);
    throw new Error("the source broke");
  }
  async function* stopping(): AsyncGenerator<Uint8Array> {
    yield* chunks(40);
    stop.abort(new Error("enough"));
    yield* chunks(40);
  }
  const failing: [params: { body: BlobSource; sizeBytes?: number; signal?: AbortSignal }, reason: object][] =
    [
      [{ body: broken() }, { message: "the source broke" }],
      [{ body: stopping(), signal: stop.signal }, { message: "enough" }],
      [{ body: chunks(40), sizeBytes: 7 }, { code: "BLOB_CHECKSUM_MISMATCH" }],
      [{ body: chunks(200) }, { code: "BLOB_TOO_LARGE", message: expect.stringContaining("8 MiB") }],
      [{ body: chunks(1), sizeBytes: 8 * MIB + 1 }, { code: "BLOB_TOO_LARGE" }],
    ];
  for (const [params, reason] of failing) {
    await expect(spool({ key: "k", ...params }, 8 * MIB)).rejects.toMatchObject(reason);
  }
  expect(await readdir(folder)).toEqual([]);
});

test("copies nothing that can be read again and whose hash is told, and notices when it is another", async () => {
  let reads = 0;
  const body = {
    isRepeatable: true,
    [Symbol.asyncIterator]() {
      reads += 1;
      return chunks(40);
    },
  } as const;
  const expected = await whole(40);
  const told = { key: "k", body, sizeBytes: expected.length };
  const spooled = await spool({ ...told, sha256: sha256Of(expected) }, UNLIMITED);
  expect(reads).toBe(0);
  for (let nth = 0; nth < 2; nth++) expect((await collect(spooled.body())).equals(expected)).toBe(true);
  expect(reads).toBe(2);
  const other = await spool({ ...told, sha256: sha256Of("other") }, UNLIMITED);
  await expect(collect(other.body())).rejects.toMatchObject({ code: "BLOB_CHECKSUM_MISMATCH" });
});

test("a URL is signed anew before it ends, by the clock of whoever uses it", async () => {
  let nowMs = 0;
  let signed = 0;
  const clock = { now: () => nowMs, after: () => () => undefined, idle: () => () => undefined };
  const url = new FreshUrl(clock, 1_000, async () => ({
    method: "GET",
    url: `u${++signed}`,
    headers: {},
    // Of a server whose clock is far off.
    expiresAtMs: -1,
  }));
  expect((await url.get()).url).toBe("u1");
  nowMs = 499;
  expect((await url.get()).url).toBe("u1");
  nowMs = 500;
  expect((await url.get()).url).toBe("u2");
});
