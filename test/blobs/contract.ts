import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BlobSource, BlobStore } from "../../src/ports/blobs.ts";
import type { Fault } from "./servers/faults.ts";

/** A store under test. */
export interface OpenedStore {
  readonly store: BlobStore;
  /** Makes requests whose path holds the text go wrong; absent where nothing can be scripted. */
  readonly faults?: {
    add(fault: Fault, method: string, times?: number, path?: string): void;
    clear(): void;
    readonly seen: readonly string[];
  };
  /** Arguments of `transfer-probe.ts` that open the same store in another process. */
  readonly probe: readonly string[];
  /** Sets the clock of the server forward; absent where only waiting helps. */
  readonly skipTime?: (ms: number) => void;
  close(): Promise<void>;
}

export const PART_BYTES: number = 5 * 1024 * 1024;
const MIB = 1024 * 1024;

type Skips = Readonly<Record<string, string>>;

/** What every blob store does. A case may be left out only with the reason. */
export function blobContract(name: string, open: () => Promise<OpenedStore>, skips: Skips = {}): void {
  describe(name, () => {
    let opened: OpenedStore;
    let store: BlobStore;
    let nth = 0;
    const freshKey = (end = "blob"): string => `case-${nth++}/${end}`;
    const names = new Set<string>();
    const may = (title: string, run: () => Promise<void>): void => {
      names.add(title);
      if (skips[title] !== undefined) it.skip(`${title}: ${skips[title]}`, run);
      else it(title, run);
    };
    const faulty = (
      title: string,
      run: (faults: NonNullable<OpenedStore["faults"]>) => Promise<void>,
    ): void =>
      may(title, async () => {
        if (opened.faults === undefined) throw new Error("declare the skip with its reason");
        await run(opened.faults);
      });

    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    });
    afterAll(() => opened?.close());
    beforeEach(() => opened.faults?.clear());

    may("gives back what was put, and knows about it", async () => {
      const key = freshKey("a.json");
      const bytes = Buffer.from('{"a":1}');
      const receipt = await store.put({ key, body: bytes, mediaType: "application/json" });
      expect(receipt).toStrictEqual({ sizeBytes: 7, sha256: sha256(bytes) });
      const { info, start, end, body } = await store.get({ key });
      expect(await collect(body)).toStrictEqual(bytes);
      expect([start, end]).toStrictEqual([0, 7]);
      const known = { key, sizeBytes: 7, sha256: sha256(bytes), mediaType: "application/json" };
      expect(info).toMatchObject(known);
      expect(await store.head({ key })).toMatchObject(known);
      expect(Math.abs(info.modifiedAtMs - Date.now())).toBeLessThan(60_000);
      expect(store.uriOf(key)).toMatch(new RegExp(`^${store.capabilities.scheme}://.+/${key}$`));
    });

    may("replaces with put, and not with putIfAbsent", async () => {
      const key = freshKey();
      expect(await store.putIfAbsent({ key, body: text("one") })).toMatchObject({
        outcome: "created",
        sizeBytes: 3,
      });
      expect(await store.putIfAbsent({ key, body: text("two") })).toStrictEqual({ outcome: "exists" });
      expect(await read(store, key)).toStrictEqual(text("one"));
      await store.put({ key, body: text("three") });
      expect(await read(store, key)).toStrictEqual(text("three"));
      expect(await store.head({ key })).toMatchObject({ sha256: sha256(text("three")), sizeBytes: 5 });
    });

    may("lets exactly one of twenty writers create a blob", async () => {
      const key = freshKey();
      const writers = Array.from({ length: 20 }, (_, index) => text(`writer ${index}`));
      const outcomes = await Promise.all(writers.map((body) => store.putIfAbsent({ key, body })));
      const winners = outcomes.flatMap(({ outcome }, index) => (outcome === "created" ? [index] : []));
      expect(winners).toHaveLength(1);
      expect(await read(store, key)).toStrictEqual(writers[winners[0] as number]);
    });

    may("lets exactly one of four large streams create a blob", async () => {
      const key = freshKey();
      const sizes = [0, 1, 2, 3].map((extra) => 11 * MIB + extra);
      const outcomes = await Promise.all(sizes.map((size) => store.putIfAbsent({ key, body: stream(size) })));
      const winners = outcomes.filter(({ outcome }) => outcome === "created");
      expect(winners).toHaveLength(1);
      expect(await store.head({ key })).toMatchObject({
        sizeBytes: (winners[0] as { sizeBytes: number }).sizeBytes,
      });
    });

    may("keeps a blob of no bytes", async () => {
      for (const body of [new Uint8Array(0), stream(0)]) {
        const key = freshKey();
        expect(await store.put({ key, body })).toStrictEqual({
          sizeBytes: 0,
          sha256: sha256(new Uint8Array(0)),
        });
        expect(await read(store, key)).toStrictEqual(Buffer.alloc(0));
        expect(await store.head({ key })).toMatchObject({ sizeBytes: 0 });
        await expect(store.get({ key, range: { offset: 0 } })).rejects.toMatchObject({
          code: "BLOB_RANGE_INVALID",
        });
      }
    });

    may("takes streams at and around the size of a part", async () => {
      for (const size of [PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES]) {
        const key = freshKey();
        const { sizeBytes, sha256: hash } = await store.put({ key, body: stream(size) });
        expect(sizeBytes).toBe(size);
        const { body } = await store.get({ key, sha256: hash });
        expect(await measure(body)).toBe(size);
      }
    });

    may("refuses bytes other than those that were promised, and shows nothing of them", async () => {
      const large = 11 * MIB;
      const promises: { body: () => BlobSource; sha256?: string; sizeBytes?: number }[] = [
        { body: () => text("abc"), sha256: sha256(text("abd")) },
        { body: () => text("abc"), sizeBytes: 2 },
        { body: () => text("abc"), sizeBytes: 4 },
        { body: () => stream(large), sha256: sha256(text("abc")) },
        { body: () => stream(large), sizeBytes: large - 1 },
        { body: () => stream(large), sizeBytes: large + 1 },
      ];
      for (const { body, ...promised } of promises) {
        const key = freshKey();
        for (const put of [store.put.bind(store), store.putIfAbsent.bind(store)]) {
          await expect(put({ key, body: body(), ...promised })).rejects.toMatchObject({
            code: "BLOB_CHECKSUM_MISMATCH",
          });
        }
        expect(await store.head({ key })).toBeNull();
      }
    });

    may("finds out at the end when the whole is not what the reader expects", async () => {
      const key = freshKey();
      await store.put({ key, body: text("abc") });
      const { body } = await store.get({ key, sha256: sha256(text("abd")) });
      await expect(collect(body)).rejects.toMatchObject({ code: "BLOB_CHECKSUM_MISMATCH" });
    });

    may("gives ranges, and refuses those that are not there", async () => {
      const key = freshKey();
      await store.put({ key, body: text("0123456789") });
      const range = async (offset: number, length?: number): Promise<string> => {
        const opening = await store.get({
          key,
          range: { offset, ...(length === undefined ? {} : { length }) },
        });
        expect(opening.info).toMatchObject({ sizeBytes: 10, sha256: sha256(text("0123456789")) });
        const found = String(await collect(opening.body));
        expect([opening.start, opening.end]).toStrictEqual([offset, offset + found.length]);
        return found;
      };
      expect(await range(0)).toBe("0123456789");
      expect(await range(0, 1)).toBe("0");
      expect(await range(3, 4)).toBe("3456");
      expect(await range(9)).toBe("9");
      expect(await range(9, 100)).toBe("9");
      expect(await range(2, 100)).toBe("23456789");
      for (const [offset, length] of [
        [10, 1],
        [11, undefined],
        [-1, 1],
        [0, 0],
        [0, -1],
        [0.5, 1],
      ] as const) {
        const wanted = { offset, ...(length === undefined ? {} : { length }) };
        await expect(store.get({ key, range: wanted })).rejects.toMatchObject({ code: "BLOB_RANGE_INVALID" });
      }
    });

    may("says when there is no such blob", async () => {
      const key = freshKey();
      expect(await store.head({ key })).toBeNull();
      await expect(store.get({ key })).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
      await expect(store.get({ key, range: { offset: 5 } })).rejects.toMatchObject({
        code: "BLOB_NOT_FOUND",
      });
    });

    may("deletes, also what is not there", async () => {
      const key = freshKey();
      await store.delete({ key });
      await store.put({ key, body: text("x") });
      await store.delete({ key });
      await store.delete({ key });
      expect(await store.head({ key })).toBeNull();
      expect(await store.putIfAbsent({ key, body: text("y") })).toMatchObject({ outcome: "created" });
    });

    may("takes any characters that a key may have", async () => {
      const odd = [
        "ü/日本語/🐦",
        "a b+c",
        "%2e%2e/%41%00",
        "q?x=1&y#z",
        "~'()*!@$:;,=",
        '[]{}|^`<>"',
        "...",
        "a.b..c",
        "é",
        "é",
      ];
      const prefix = freshKey("odd");
      for (const [index, end] of odd.entries()) {
        const key = `${prefix}/${index}/${end}`;
        await store.put({ key, body: text(key) });
        expect(await read(store, key)).toStrictEqual(text(key));
        const { url, headers } = await store.signGet({ key, expiresInMs: 60_000 });
        expect(Buffer.from(await (await fetch(url, { headers })).arrayBuffer())).toStrictEqual(text(key));
      }
      const { blobs } = await store.list({ prefix });
      expect(blobs.map(({ key }) => key).sort()).toStrictEqual(
        odd.map((end, index) => `${prefix}/${index}/${end}`).sort(),
      );
      for (const { key } of blobs) await store.delete({ key });
      expect((await store.list({ prefix })).blobs).toStrictEqual([]);
    });

    may("refuses keys that would lead elsewhere", async () => {
      for (const key of ["", "../x", "a/../../x", "/etc/passwd", "a//b", "a/", "a\0b", "a\\..\\b", "./a"]) {
        const refused = { code: "BLOB_URI_INVALID" };
        await expect(store.put({ key, body: text("x") })).rejects.toMatchObject(refused);
        await expect(store.putIfAbsent({ key, body: text("x") })).rejects.toMatchObject(refused);
        await expect(store.get({ key })).rejects.toMatchObject(refused);
        await expect(store.head({ key })).rejects.toMatchObject(refused);
        await expect(store.delete({ key })).rejects.toMatchObject(refused);
        await expect(store.signGet({ key, expiresInMs: 1000 })).rejects.toMatchObject(refused);
        expect(() => store.uriOf(key)).toThrow(expect.objectContaining(refused));
      }
    });

    may("keeps a blob beside others below its name", async () => {
      const key = freshKey();
      await store.put({ key, body: text("up") });
      await store.put({ key: `${key}/down`, body: text("down") });
      expect(String(await read(store, key))).toBe("up");
      expect(String(await read(store, `${key}/down`))).toBe("down");
    });

    may("lists 2,500 keys in pages, each once", async () => {
      const prefix = freshKey("many-");
      const keys = Array.from({ length: 2_500 }, (_, index) => `${prefix}${index % 7}/${index}`);
      await inParallel(16, keys, (key) => store.put({ key, body: text("x") }));
      await store.put({ key: `${prefix.slice(0, -1)}.other`, body: text("x") });
      const found: string[] = [];
      let pages = 0;
      for (let cursor: string | null | undefined; cursor !== null; pages++) {
        const page = await store.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
        expect(page.blobs.length).toBeLessThanOrEqual(1_000);
        for (const { key, sizeBytes } of page.blobs) {
          found.push(key);
          expect(sizeBytes).toBe(1);
        }
        cursor = page.next;
      }
      expect(pages).toBe(3);
      expect(found).toHaveLength(2_500);
      expect([...found].sort()).toStrictEqual([...keys].sort());
      if (store.capabilities.isListSorted) expect(found).toStrictEqual([...keys].sort());
      expect((await store.list({ prefix, limit: 3 })).blobs).toHaveLength(3);
      expect(await store.list({ prefix: `${prefix}none` })).toStrictEqual({ blobs: [], next: null });
    });

    may("signs URLs that any client can read with", async () => {
      const key = freshKey();
      await store.put({ key, body: text("0123456789"), mediaType: "text/plain" });
      const { url, headers, method, expiresAtMs } = await store.signGet({ key, expiresInMs: 60_000 });
      expect(expiresAtMs - Date.now()).toBeGreaterThan(50_000);
      const reply = await fetch(url, { method, headers });
      expect([reply.status, reply.headers.get("content-type"), await reply.text()]).toStrictEqual([
        200,
        "text/plain",
        "0123456789",
      ]);
      const part = await fetch(url, { headers: { ...headers, range: "bytes=2-4" } });
      expect([part.status, await part.text()]).toStrictEqual([206, "234"]);
      expect((await fetch(url, { method: "PUT", body: "evil" })).ok).toBe(false);
      expect((await fetch(url.replace("/blob", "/blod"), { headers })).ok).toBe(false);
      expect(String(await read(store, key))).toBe("0123456789");
    });

    may("signs URLs that any client can write with", async () => {
      const key = freshKey();
      const body = randomBytes(100_000);
      const { url, headers, method } = await signedPut(store, key, body);
      const reply = await fetch(url, { method, headers, body });
      expect([reply.status, reply.ok ? "" : await reply.text()]).toStrictEqual([expect.any(Number), ""]);
      expect(await read(store, key)).toStrictEqual(body);
      expect(await store.head({ key })).toMatchObject({ sha256: sha256(body), sizeBytes: 100_000 });
    });

    may("refuses an expired URL", async () => {
      const key = freshKey();
      await store.put({ key, body: text("x") });
      const reading = await store.signGet({ key, expiresInMs: 1_000 });
      const writing = await signedPut(store, key, text("y"), { expiresInMs: 1_000 });
      if (opened.skipTime === undefined) await new Promise((resolve) => setTimeout(resolve, 2_300));
      opened.skipTime?.(2_300);
      expect((await fetch(reading.url, reading)).status).toBe(403);
      expect((await fetch(writing.url, { ...writing, body: "y" })).status).toBe(403);
      opened.skipTime?.(-2_300);
      expect(String(await read(store, key))).toBe("x");
      const tooLong = store.signGet({ key, expiresInMs: store.capabilities.maxSignedMs + 1 });
      await expect(tooLong).rejects.toMatchObject({ code: "BLOB_UNSUPPORTED" });
    });

    may("refuses a signed PUT of another length", async () => {
      expect(store.capabilities.signedPut.limitsSize).toBe(true);
      const key = freshKey();
      const { url, ...request } = await signedPut(store, key, text("abc"));
      for (const body of ["ab", "abcd"]) expect((await fetch(url, { ...request, body })).ok).toBe(false);
      expect(await store.head({ key })).toBeNull();
    });

    may("refuses a signed PUT of other bytes", async () => {
      expect(store.capabilities.signedPut.checksSha256).toBe(true);
      const key = freshKey();
      const { url, ...request } = await signedPut(store, key, text("abc"));
      expect((await fetch(url, { ...request, body: "abd" })).ok).toBe(false);
      expect(await store.head({ key })).toBeNull();
    });

    may("refuses a signed PUT over what is there, when it must not", async () => {
      expect(store.capabilities.signedPut.refusesOverwrite).toBe(true);
      const key = freshKey();
      const { url, ...request } = await signedPut(store, key, text("abc"), { ifAbsent: true });
      expect((await fetch(url, { ...request, body: "abc" })).ok).toBe(true);
      expect((await fetch(url, { ...request, body: "abc" })).ok).toBe(false);
      const { "if-none-match": _, ...headers } = request.headers;
      await (await fetch(url, { ...request, headers, body: "xyz" })).arrayBuffer();
      expect(String(await read(store, key))).toBe("abc");
    });

    may("leaves nothing of an aborted upload", async () => {
      for (const size of [MIB, 24 * MIB]) {
        const key = freshKey();
        const abort = new AbortController();
        const body = stream(size, (sent) => sent >= size / 2 && abort.abort(new Error("enough")));
        await expect(store.put({ key, body, signal: abort.signal })).rejects.toThrow("enough");
        expect(await store.head({ key })).toBeNull();
        expect((await store.list({ prefix: key })).blobs).toStrictEqual([]);
      }
      const hanging = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
      await expect(
        store.put({ key: freshKey(), body: hanging, signal: AbortSignal.timeout(50) }),
      ).rejects.toThrow("timeout");
    });

    may("leaves nothing of a source that fails", async () => {
      const key = freshKey();
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield* stream(12 * MIB);
        throw new Error("the source broke");
      };
      await expect(store.put({ key, body: broken() })).rejects.toThrow("the source broke");
      expect(await store.head({ key })).toBeNull();
    });

    may("stops a download when it is told to", async () => {
      const key = freshKey();
      await store.put({ key, body: stream(4 * MIB) });
      const abort = new AbortController();
      const { body } = await store.get({ key, signal: abort.signal });
      const reader = body.getReader();
      await reader.read();
      abort.abort(new Error("enough"));
      await expect(drain(reader)).rejects.toThrow("enough");
      const { body: other } = await store.get({ key });
      await other.cancel();
      for (const verb of [store.head({ key, signal: abort.signal }), store.list({ signal: abort.signal })]) {
        await expect(verb).rejects.toThrow("enough");
      }
    });

    may("moves 96 MiB both ways in bounded memory", async () => {
      const figures = await probe(["memory", "96", ...opened.probe]);
      // Parts in flight, each with the copies that `fetch` makes, and the one being filled.
      expect(figures.liveMiB).toBeLessThan(90);
    });

    faulty("waits and tries again when it is throttled", async (faults) => {
      const key = freshKey();
      faults.add({ kind: "throttle", retryAfter: "0" }, "PUT POST", 2);
      expect(await store.putIfAbsent({ key, body: text("x") })).toMatchObject({ outcome: "created" });
      faults.add({ kind: "throttle" }, "GET", 2);
      expect(String(await read(store, key))).toBe("x");
      const startedMs = Date.now();
      faults.add({ kind: "throttle", retryAfter: "1" }, "GET HEAD");
      await store.head({ key });
      expect(Date.now() - startedMs).toBeGreaterThan(400);
      faults.add({ kind: "throttle" }, "GET HEAD", 100);
      await expect(store.head({ key })).rejects.toMatchObject({
        code: "BLOB_STORE_UNAVAILABLE",
        attempts: 4,
        retryable: true,
      });
    });

    faulty("is the creator also when the reply was lost", async (faults) => {
      for (const size of [10, 11 * MIB]) {
        const key = freshKey();
        faults.add({ kind: "lose-reply" }, "PUT POST", 1, size === 10 ? "" : "LAST");
        expect(await store.putIfAbsent({ key, body: stream(size) })).toMatchObject({
          outcome: "created",
          sizeBytes: size,
        });
        expect(await store.putIfAbsent({ key, body: text("other") })).toStrictEqual({ outcome: "exists" });
      }
    });

    faulty("resumes a download that broke off, and notices one that ended early", async (faults) => {
      const key = freshKey();
      const { sha256: hash } = await store.put({ key, body: stream(3 * MIB) });
      for (const kind of ["reset", "truncate"] as const) {
        faults.add({ kind, afterBytes: MIB }, "GET", 1, "MEDIA");
        const { body } = await store.get({ key, sha256: hash });
        expect(await measure(body)).toBe(3 * MIB);
        faults.add({ kind, afterBytes: 0 }, "GET", 100, "MEDIA");
        const dead = store.get({ key, range: { offset: 1 } }).then(({ body: broken }) => measure(broken));
        await expect(dead).rejects.toMatchObject({ code: "BLOB_STORE_UNAVAILABLE" });
        faults.clear();
      }
    });

    faulty("finds bytes that were changed on their way", async (faults) => {
      const key = freshKey();
      await store.put({ key, body: text("0123456789") });
      faults.add({ kind: "corrupt" }, "GET", 1, "MEDIA");
      await expect(read(store, key)).rejects.toMatchObject({ code: "BLOB_CHECKSUM_MISMATCH" });
      for (const size of [10, 11 * MIB]) {
        faults.add({ kind: "garble" }, "PUT POST", 1, size === 10 ? "" : "PART");
        const { sha256: hash } = await store
          .put({ key, body: stream(size) })
          .catch(() => ({ sha256: undefined }));
        // Sent again where the store notices at once, refused where it notices at the end; never kept.
        if (hash !== undefined)
          expect(await measure((await store.get({ key, sha256: hash })).body)).toBe(size);
        else expect((await read(store, key)).length).toBeLessThan(size);
      }
    });

    faulty("does not wait for ever for a reply", async (faults) => {
      const key = freshKey();
      await store.put({ key, body: text("x") });
      faults.add({ kind: "slow", delayMs: 3_000 }, "GET HEAD");
      const startedMs = Date.now();
      expect(await store.head({ key })).toMatchObject({ sizeBytes: 1 });
      expect(Date.now() - startedMs).toBeLessThan(2_900);
    });

    faulty("says that a blob was replaced rather than mixing two", async (faults) => {
      const key = freshKey();
      await store.put({ key, body: stream(2 * MIB) });
      faults.add({ kind: "reset", afterBytes: 1000 }, "GET", 1, "MEDIA");
      const { body } = await store.get({ key });
      const reader = body.getReader();
      await reader.read();
      await store.put({ key, body: stream(2 * MIB) });
      await expect(drain(reader)).rejects.toMatchObject({ code: "BLOB_CHANGED" });
    });

    it("declares no skip that is not a case", () => {
      expect(Object.keys(skips).filter((title) => !names.has(title))).toStrictEqual([]);
    });
  });
}

interface MemoryFigures {
  /** Held outside of the JavaScript heap at any time. */
  readonly liveMiB: number;
  /** Growth of the process, garbage included. */
  readonly rssMiB: number;
}

/** Moves a stream there and back in a process of its own, and says in how much memory. */
async function probe(args: readonly string[]): Promise<MemoryFigures> {
  const { execFile } = await import("node:child_process");
  const file = new URL("./transfer-probe.ts", import.meta.url).pathname;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ["--expose-gc", file, ...args], (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as MemoryFigures);
      else reject(new Error(stderr, { cause: error }));
    });
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function text(value: string): Buffer {
  return Buffer.from(value);
}

const CHUNK = new Uint8Array(randomBytes(64 * 1024 + 7));

/** So many bytes in odd chunks. */
async function* stream(size: number, onSent?: (sent: number) => unknown): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < size; ) {
    const chunk = CHUNK.subarray(0, Math.min(CHUNK.length, size - sent));
    sent += chunk.length;
    yield chunk;
    onSent?.(sent);
  }
}

async function collect(body: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function measure(body: ReadableStream<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of body) size += chunk.byteLength;
  return size;
}

async function drain(reader: { read(): Promise<{ done: boolean }> }): Promise<void> {
  while (!(await reader.read()).done);
}

async function read(store: BlobStore, key: string): Promise<Buffer> {
  return collect((await store.get({ key })).body);
}

function signedPut(
  store: BlobStore,
  key: string,
  bytes: Uint8Array,
  more: { expiresInMs?: number; ifAbsent?: boolean } = {},
): ReturnType<BlobStore["signPut"]> {
  return store.signPut({
    key,
    sizeBytes: bytes.byteLength,
    sha256: sha256(bytes),
    expiresInMs: 60_000,
    ...more,
  });
}

async function inParallel<Item>(
  count: number,
  items: readonly Item[],
  run: (item: Item) => Promise<unknown>,
): Promise<void> {
  const left = [...items];
  const work = async (): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await run(item);
  };
  await Promise.all(Array.from({ length: count }, work));
}
