import { contentKey } from "../core/blob-keys.ts";
import { GodwitError, hasCode } from "../core/errors.ts";
import { fitsUtf8 } from "../core/utf8.ts";
import {
  isStored,
  MAX_INLINE_BYTES,
  readStored,
  type StoredValue,
  writeStored,
} from "../core/value/stored.ts";
import { type EncodedValue, MAX_VALUE_BYTES } from "../core/value.ts";
import type { BlobStore } from "../ports/blobs.ts";
import type { BlobAccess } from "../sdk/blobs.ts";
import { collectBytes, putContent, sha256Of } from "../sdk/content.ts";
import { Dir } from "../sdk/dir.ts";
import { File } from "../sdk/file.ts";
import { Slots } from "../sdk/parallel.ts";
import { TextCache } from "./text-cache.ts";

/** Where large values and files are. */
export interface ValueOptions {
  /** Without one all values stay inline, and tasks have no files. */
  readonly blobs?: BlobStore;
  /** What every key begins with, such as `team/`. */
  readonly blobPrefix?: string;
  /** Opens the store of a URI that is not in `blobs`. */
  readonly openBlobs?: (uri: string) => Promise<BlobStore> | BlobStore;
  /** Encoded values above this go to the blob store. Default 16 KiB. */
  readonly inlineBytes?: number;
}

/** Uploads at once, and as many downloads: a value is at most 10 MiB, so this bounds their memory. */
const TRANSFERS = 8;
const CACHE_CHARACTERS = 32 * 1024 * 1024;
const MEDIA_TYPE = "application/json";

/**
 * Brings large values to the blob store and back. A value is stored under the hash of its encoded text, before anyone
 * hears of it; what was brought or fetched lately is remembered.
 */
export class Values {
  /** Named here so that they are part of every runner: the codec has to know files before it meets one. */
  static readonly references: readonly unknown[] = [File, Dir];
  /** For the files of tasks. */
  readonly files: BlobAccess | undefined;
  readonly #inlineBytes: number;
  readonly #texts = new TextCache(CACHE_CHARACTERS);
  readonly #fetching = new Map<string, Promise<string>>();
  readonly #uploads = new Slots(TRANSFERS);
  readonly #downloads = new Slots(TRANSFERS);

  constructor({ blobs, blobPrefix = "", openBlobs, inlineBytes = MAX_INLINE_BYTES }: ValueOptions = {}) {
    if (blobs !== undefined) {
      this.files = { store: blobs, prefix: blobPrefix, ...(openBlobs !== undefined && { open: openBlobs }) };
    }
    this.#inlineBytes = inlineBytes;
  }

  /** Whether a value has to go to the blob store. */
  isLarge(text: EncodedValue): boolean {
    return this.files !== undefined && !fitsUtf8(text, this.#inlineBytes) && !isStored(text);
  }

  /** The value itself when it is small, else a reference to it; durable when the promise resolves. */
  async keep(
    text: EncodedValue,
    hashes: () => Pick<StoredValue, "hash" | "ignoring"> = () => ({}),
  ): Promise<EncodedValue> {
    const { files } = this;
    if (files === undefined || !this.isLarge(text)) return text;
    return this.#uploads.run(async () => {
      const bytes = new TextEncoder().encode(text);
      const content = { sha256: sha256Of(bytes), sizeBytes: bytes.byteLength };
      await putContent(files, { ...content, mediaType: MEDIA_TYPE, open: () => bytes });
      this.#texts.add(content.sha256, text);
      return writeStored({ ...content, ...hashes() });
    });
  }

  /**
   * The encoded value that a stored text stands for: itself, or what is in the blob store.
   *
   * @param of what is read and of which action, for the error
   * @throws GodwitError VALUE_LOST; BLOB_STORE_MISSING; what the blob store throws
   */
  async read(
    text: EncodedValue,
    of: { readonly action: string; readonly what: string },
  ): Promise<EncodedValue> {
    const stored = readStored(text);
    if (stored === null) return text;
    const known = this.#texts.get(stored.sha256);
    if (known !== undefined) return known;
    const fetching = this.#fetching.get(stored.sha256) ?? this.#begin(stored);
    try {
      return await fetching;
    } catch (error) {
      if (!hasCode(error, "BLOB_NOT_FOUND") && !hasCode(error, "BLOB_STORE_MISSING")) throw error;
      const code = error.code === "BLOB_NOT_FOUND" ? "VALUE_LOST" : error.code;
      const where =
        code === "VALUE_LOST"
          ? "is not in the blob store any more"
          : "is in a blob store, and there is none here";
      const message = `the ${of.what} of action ${of.action} ${where} (SHA-256 ${stored.sha256})`;
      throw new GodwitError(code, message, {
        cause: error,
        action: of.action,
        details: { ...stored, ...of },
      });
    }
  }

  /** Fetches a value that will be read soon. */
  prefetch(text: EncodedValue): void {
    const stored = readStored(text);
    if (stored === null || this.#texts.get(stored.sha256) !== undefined) return;
    // Whoever reads it meets the failure.
    if (!this.#fetching.has(stored.sha256)) this.#begin(stored).catch(() => undefined);
  }

  #begin(stored: StoredValue): Promise<string> {
    const fetching = this.#downloads.run(() => this.#fetch(stored));
    const forget = (): boolean => this.#fetching.delete(stored.sha256);
    this.#fetching.set(stored.sha256, fetching);
    fetching.then(forget, forget);
    return fetching;
  }

  async #fetch({ sha256 }: StoredValue): Promise<string> {
    const { files } = this;
    if (files === undefined) throw new GodwitError("BLOB_STORE_MISSING", "there is no blob store");
    const key = contentKey(files.prefix ?? "", sha256);
    const { body, info } = await files.store.get({ key, sha256 });
    if (info.sizeBytes > MAX_VALUE_BYTES) {
      await body.cancel();
      throw new GodwitError("VALUE_MALFORMED", `the blob ${key} is no value: it has ${info.sizeBytes} bytes`);
    }
    const text = new TextDecoder().decode(await collectBytes(body, info.sizeBytes));
    this.#texts.add(sha256, text);
    return text;
  }
}
