import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { checkBlobKey, formatBlobUri } from "../../src/core/uri.ts";
import {
  type BlobCapabilities,
  type BlobInfo,
  type BlobPage,
  type BlobParams,
  type BlobStore,
  DEFAULT_MEDIA_TYPE,
  type GetParams,
  type ListedBlob,
  type ListParams,
  MAX_PAGE_KEYS,
  type OpenBlob,
  type PutIfAbsentOutcome,
  type PutParams,
  type PutReceipt,
  type SignedRequest,
  type SignGetParams,
  type SignPutParams,
} from "../../src/ports/blobs.ts";
import { type Clock, systemClock } from "../../src/ports/clock.ts";
import { checkRange, notFound, outOfRange } from "../blob-download.ts";
import { checkExpiry } from "../blob-signing.ts";
import { CheckedSource, discard, mismatch } from "../blob-source.ts";
import { type LocalUrlSigning, signLocalUrl } from "./blob-urls.ts";
import { Folder, failure } from "./folder.ts";

const READ_BYTES = 256 * 1024;

export interface LocalBlobsOptions {
  /** Made when something is written. */
  readonly folder: string;
  /** Where the blobs are served and by which secret; without it URLs cannot be signed. */
  readonly signing?: LocalUrlSigning;
  readonly clock?: Clock;
}

/**
 * Blobs as files in a folder. A blob appears when it is whole and on the disk; the file system has to have hard
 * links. Names follow the file system: some do not tell `A` from `a`, and none has both a file `a` and a file `a/b`.
 *
 * @example const blobs = openLocalBlobs({ folder: ".godwit/blobs" });
 */
export function openLocalBlobs(options: LocalBlobsOptions): BlobStore {
  return new LocalBlobs(options);
}

class LocalBlobs implements BlobStore {
  readonly capabilities: BlobCapabilities;
  readonly #folder: Folder;
  readonly #signing: LocalUrlSigning | undefined;
  readonly #clock: Clock;

  constructor({ folder, signing, clock = systemClock }: LocalBlobsOptions) {
    this.#folder = new Folder(resolve(folder));
    this.#signing = signing;
    this.#clock = clock;
    this.capabilities = {
      scheme: "file",
      maxBlobBytes: Number.MAX_SAFE_INTEGER,
      maxStreamBytes: Number.MAX_SAFE_INTEGER,
      knowsSha256: "always",
      canNestKeys: false,
      isListSorted: true,
      maxSignedMs: signing === undefined ? 0 : 7 * 24 * 3_600_000,
      signedPut: {
        limitsSize: true,
        checksSha256: true,
        refusesOverwrite: true,
        maxBytes: Number.MAX_SAFE_INTEGER,
      },
    };
  }

  uriOf(key: string): string {
    return formatBlobUri({ scheme: "file", path: this.#folder.pathOf(key) });
  }

  async put(params: PutParams): Promise<PutReceipt> {
    const { sizeBytes, sha256 } = (await this.#write(params, true)) as PutReceipt;
    return { sizeBytes, sha256 };
  }

  async putIfAbsent(params: PutParams): Promise<PutIfAbsentOutcome> {
    params.signal?.throwIfAborted();
    if ((await this.#folder.stat(params.key)) === null) return this.#write(params, false);
    await discard(params.body);
    return { outcome: "exists" };
  }

  async get(params: GetParams): Promise<OpenBlob> {
    const { key, range, signal } = params;
    signal?.throwIfAborted();
    if (range !== undefined) checkRange(key, range);
    const file = await this.#open(key);
    try {
      // By the open file, as another may have got the key since.
      const info = await this.#describe(key, await file.stat());
      const start = range?.offset ?? 0;
      if (range !== undefined && start >= info.sizeBytes) throw outOfRange(key, start);
      const end = Math.min(info.sizeBytes, start + (range?.length ?? info.sizeBytes));
      const sha256 = range === undefined ? (params.sha256 ?? info.sha256 ?? undefined) : undefined;
      return { info, start, end, body: streamOf(file, { key, start, end, sha256, signal }) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async head({ key, signal }: BlobParams): Promise<BlobInfo | null> {
    signal?.throwIfAborted();
    const found = await this.#folder.stat(key);
    return found === null ? null : this.#describe(key, found);
  }

  async list({
    prefix = "",
    limit = MAX_PAGE_KEYS,
    cursor = "",
    signal,
  }: ListParams = {}): Promise<BlobPage> {
    const blobs: ListedBlob[] = [];
    const room = Math.min(limit, MAX_PAGE_KEYS);
    for await (const key of this.#folder.keys(prefix, cursor)) {
      signal?.throwIfAborted();
      if (blobs.length === room) return { blobs, next: blobs.at(-1)?.key ?? null };
      const found = await this.#folder.stat(key);
      if (found !== null) blobs.push({ key, sizeBytes: found.size, modifiedAtMs: found.mtimeMs });
    }
    return { blobs, next: null };
  }

  async delete({ key, signal }: BlobParams): Promise<void> {
    signal?.throwIfAborted();
    await this.#folder.delete(key);
  }

  async signGet({ key, expiresInMs }: SignGetParams): Promise<SignedRequest> {
    const expiresAtMs = checkExpiry(this, expiresInMs, this.#clock);
    return { method: "GET", url: this.#sign({ method: "GET", key, expiresAtMs }), headers: {}, expiresAtMs };
  }

  async signPut(params: SignPutParams): Promise<SignedRequest> {
    const expiresAtMs = checkExpiry(this, params.expiresInMs, this.#clock);
    const { key, sizeBytes, sha256, mediaType = DEFAULT_MEDIA_TYPE, ifAbsent = false } = params;
    const url = this.#sign({ method: "PUT", key, expiresAtMs, sizeBytes, sha256, mediaType, ifAbsent });
    return { method: "PUT", url, headers: { "content-type": mediaType }, expiresAtMs };
  }

  #sign(claims: Parameters<typeof signLocalUrl>[0]): string {
    // `checkExpiry` has refused a store that cannot sign.
    return signLocalUrl(claims, this.#signing as LocalUrlSigning);
  }

  async #write(params: PutParams, replace: boolean): Promise<PutIfAbsentOutcome> {
    checkBlobKey(params.key);
    this.#folder.pathOf(params.key);
    const source = new CheckedSource(params);
    const file = await this.#folder.newFile();
    try {
      await writeDurably(file, source);
      params.signal?.throwIfAborted();
      const note = { sha256: source.receipt.sha256, mediaType: params.mediaType ?? DEFAULT_MEDIA_TYPE };
      const outcome = await this.#folder.publish(file, params.key, { note, replace });
      return outcome === "exists" ? { outcome } : { outcome, ...source.receipt };
    } catch (error) {
      throw failure(params.key, error);
    } finally {
      await rm(file, { force: true });
    }
  }

  async #open(key: string): Promise<FileHandle> {
    if ((await this.#folder.stat(key)) === null) throw notFound(key);
    return open(this.#folder.pathOf(key), "r").catch((error: unknown) => {
      throw (error as NodeJS.ErrnoException).code === "ENOENT" ? notFound(key) : failure(key, error);
    });
  }

  async #describe(key: string, found: Stats): Promise<BlobInfo> {
    const note = await this.#folder.noteOf(key, found);
    return {
      key,
      sizeBytes: found.size,
      sha256: note?.sha256 ?? null,
      mediaType: note?.mediaType ?? DEFAULT_MEDIA_TYPE,
      modifiedAtMs: found.mtimeMs,
    };
  }
}

async function writeDurably(path: string, source: CheckedSource): Promise<void> {
  const file = await open(path, "wx");
  try {
    for await (const chunk of source.chunks()) {
      for (let at = 0; at < chunk.byteLength; ) at += (await file.write(chunk, at)).bytesWritten;
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

interface Span {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly sha256: string | undefined;
  readonly signal: AbortSignal | undefined;
}

function streamOf(file: FileHandle, { key, start, end, sha256, signal }: Span): ReadableStream<Uint8Array> {
  const hash = sha256 === undefined ? undefined : createHash("sha256");
  let at = start;
  const next = async (): Promise<Uint8Array | undefined> => {
    signal?.throwIfAborted();
    if (at < end) {
      const chunk = new Uint8Array(Math.min(READ_BYTES, end - at));
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) throw mismatch(key, `ends at byte ${at}, not ${end}`);
      at += bytesRead;
      hash?.update(chunk.subarray(0, bytesRead));
      return chunk.subarray(0, bytesRead);
    }
    const found = hash?.digest("hex");
    if (found !== sha256?.toLowerCase()) throw mismatch(key, `has the SHA-256 ${found}, not ${sha256}`);
    return undefined;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = await next();
          if (chunk !== undefined) return controller.enqueue(chunk);
          await file.close();
          controller.close();
        } catch (error) {
          await file.close().catch(() => undefined);
          throw failure(key, error);
        }
      },
      cancel: () => file.close(),
    },
    { highWaterMark: 0 },
  );
}
