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
import { DEFAULT_MEDIA_TYPE } from "../ports/blobs.ts";
import type { BlobAccess, BlobOpener } from "../sdk/blobs.ts";
import { collectBytes, putContent, sha256Of } from "../sdk/content.ts";
import { Dir } from "../sdk/dir.ts";
import { File } from "../sdk/file.ts";
import { Slots } from "../sdk/parallel.ts";
import type { BlobUser, OpenBlobs } from "./blob-places.ts";
import { TextCache } from "./text-cache.ts";

/** Where large values and files are. */
export interface ValueOptions {
  /** Opens the blobs of an execution. Without it all values stay inline, and tasks have no files. */
  readonly blobs?: OpenBlobs | undefined;
}

/** Uploads at once, and as many downloads: a value is at most 10 MiB, so this bounds their memory. */
const TRANSFERS = 8;
const CACHE_CHARACTERS = 32 * 1024 * 1024;

/** What all executions of a process share: room for transfers, and what was brought or fetched lately. */
export class ValueStore {
  readonly open: OpenBlobs | undefined;
  /** By project and hash: whoever knows the hash of another project's value has not got the value by that. */
  readonly texts: TextCache = new TextCache(CACHE_CHARACTERS);
  readonly fetching: Map<string, Promise<string>> = new Map();
  readonly uploads: Slots = new Slots(TRANSFERS);
  readonly downloads: Slots = new Slots(TRANSFERS);

  constructor({ blobs }: ValueOptions = {}) {
    this.open = blobs;
  }

  /** The values of one execution, or of a project. */
  for(user: BlobUser): Values {
    return new Values(this, user);
  }
}

/**
 * Brings large values to the blob store and back. A value is stored under the hash of its encoded text, before anyone
 * hears of it.
 */
export class Values {
  /** Named here so that they are part of every runner: the codec has to know files before it meets one. */
  static readonly references: readonly unknown[] = [File, Dir];
  /** For the files of tasks. */
  readonly files: BlobOpener | undefined;
  readonly #store: ValueStore;
  readonly #user: BlobUser;
  #opened: Promise<BlobAccess> | undefined;

  constructor(store: ValueStore, user: BlobUser) {
    this.#store = store;
    this.#user = user;
    if (store.open !== undefined) this.files = () => this.#access();
  }

  /** Whether a value has to go to the blob store. */
  isLarge(text: EncodedValue): boolean {
    return this.files !== undefined && !fitsUtf8(text, MAX_INLINE_BYTES) && !isStored(text);
  }

  /** The value itself when it is small, else a reference to it; durable when the promise resolves. */
  async keep(
    text: EncodedValue,
    hashes: () => Pick<StoredValue, "hash" | "ignoring"> = () => ({}),
  ): Promise<EncodedValue> {
    if (!this.isLarge(text)) return text;
    return this.#store.uploads.run(async () => {
      const bytes = new TextEncoder().encode(text);
      const content = { sha256: sha256Of(bytes), sizeBytes: bytes.byteLength };
      await putContent(await this.#access(), {
        ...content,
        mediaType: DEFAULT_MEDIA_TYPE,
        open: () => bytes,
      });
      this.#store.texts.add(this.#name(content.sha256), text);
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
    const name = this.#name(stored.sha256);
    const known = this.#store.texts.get(name);
    if (known !== undefined) return known;
    const shared = this.#store.fetching.get(name);
    try {
      return await (shared ?? this.#begin(stored)).catch((error: unknown) => {
        // Whoever began to fetch it has ended meanwhile; that is no reason not to have it here.
        if (shared !== undefined && hasCode(error, "LEASE_STALE")) return this.#begin(stored);
        throw error;
      });
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
    if (stored === null) return;
    const name = this.#name(stored.sha256);
    if (this.#store.texts.get(name) !== undefined || this.#store.fetching.has(name)) return;
    // Whoever reads it meets the failure.
    this.#begin(stored).catch(() => undefined);
  }

  #access(): Promise<BlobAccess> {
    this.#opened ??= this.#open();
    // What failed is tried again by whoever needs it next.
    this.#opened.catch(() => {
      this.#opened = undefined;
    });
    return this.#opened;
  }

  async #open(): Promise<BlobAccess> {
    const { open } = this.#store;
    if (open === undefined) throw new GodwitError("BLOB_STORE_MISSING", "there is no blob store");
    return open(this.#user);
  }

  #name(sha256: string): string {
    return `${this.#user.project ?? ""}/${sha256}`;
  }

  #begin(stored: StoredValue): Promise<string> {
    const { downloads, fetching } = this.#store;
    const name = this.#name(stored.sha256);
    const begun = downloads.run(() => this.#fetch(stored));
    const forget = (): boolean => fetching.delete(name);
    fetching.set(name, begun);
    begun.then(forget, forget);
    return begun;
  }

  async #fetch({ sha256 }: StoredValue): Promise<string> {
    const { store, prefix = "" } = await this.#access();
    const key = contentKey(prefix, sha256);
    const { body, info } = await store.get({ key, sha256 });
    if (info.sizeBytes > MAX_VALUE_BYTES) {
      await body.cancel();
      throw new GodwitError("VALUE_MALFORMED", `the blob ${key} is no value: it has ${info.sizeBytes} bytes`);
    }
    const text = new TextDecoder().decode(await collectBytes(body, info.sizeBytes));
    this.#store.texts.add(this.#name(sha256), text);
    return text;
  }
}
