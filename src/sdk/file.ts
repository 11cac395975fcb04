import { GodwitError } from "../core/errors.ts";
import { registerValueType } from "../core/value.ts";
import type { Producer } from "../core/value-ref.ts";
import { DEFAULT_MEDIA_TYPE, type OpenBlob } from "../ports/blobs.ts";
import { type BlobAccess, currentBlobs, placeOf } from "./blobs.ts";
import { collectBytes, putContent, sha256Of } from "./content.ts";
import { currentSession } from "./session.ts";

/** What may be said about a file besides its bytes. */
export interface FileSettings {
  /** Default: the last part of the path or URI, else none. */
  readonly name?: string | undefined;
  /** Default `application/octet-stream`. */
  readonly mediaType?: string | undefined;
}

/** A file as it travels: never its bytes. */
export interface FileReference {
  readonly uri: string;
  /** Null when nobody knows it: a file that was there before. */
  readonly sha256: string | null;
  readonly sizeBytes: number;
  readonly name: string | null;
  readonly mediaType: string;
  /** The action that made it; null outside of runs. */
  readonly producer: Producer | null;
}

/** Shared by all copies of the library in one process: the runner's own and the one inside a user's bundle. */
const BRAND = Symbol.for("godwit.file");

/**
 * A file in the blob store. It travels between tasks as a reference, so its size does not matter; its bytes never
 * change. Making one uploads it, and content that is there already is not sent again.
 *
 * @example
 * const report = await File.fromPath("report.pdf", { mediaType: "application/pdf" });
 * await publish({ report }); // in `publish`: for await (const chunk of report.open()) …
 */
export class File {
  /** Instances travel as they are. */
  declare readonly "~portable": true;
  readonly #reference: FileReference;

  /** @internal Made by `File.from…` and by the codec. */
  constructor(reference: FileReference) {
    this.#reference = reference;
    Object.defineProperty(this, BRAND, { value: reference });
  }

  static {
    registerValueType<File, FileReference>({
      tag: "file",
      is: (value): value is File => BRAND in value,
      encode: (file) => referenceOf(file),
      decode: (payload) => new File(checkReference(payload)),
    });
  }

  /** Across copies of the library in one process. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && BRAND in value;
  }

  /** Uploads a file of this machine. */
  static async fromPath(path: string, settings: FileSettings = {}): Promise<File> {
    const { describeFile, openFile, baseName } = await import("./disk.ts");
    const known = await describeFile(path);
    const mediaType = settings.mediaType ?? DEFAULT_MEDIA_TYPE;
    const at = await origin();
    const key = await putContent(at.blobs, { ...known, mediaType, open: () => openFile(path) }, at.signal);
    return at.file(key, { ...known, mediaType, name: settings.name ?? baseName(path) });
  }

  /** Uploads bytes, or a text as UTF-8. */
  static async fromBytes(bytes: Uint8Array | string, settings: FileSettings = {}): Promise<File> {
    const body = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    const known = { sha256: sha256Of(body), sizeBytes: body.byteLength };
    const mediaType = settings.mediaType ?? DEFAULT_MEDIA_TYPE;
    const at = await origin();
    const key = await putContent(at.blobs, { ...known, mediaType, open: () => body }, at.signal);
    return at.file(key, { ...known, mediaType, name: settings.name ?? null });
  }

  /** Uploads a stream as it comes; no more than a few parts of it are in memory at once. */
  static async fromStream(stream: AsyncIterable<Uint8Array>, settings: FileSettings = {}): Promise<File> {
    const mediaType = settings.mediaType ?? DEFAULT_MEDIA_TYPE;
    const at = await origin();
    // Its hash is known when it is over, so it gets a key of its own. Never a name that another attempt could write.
    const key = `${at.blobs.prefix ?? ""}streams/${crypto.randomUUID()}`;
    const more = at.signal === undefined ? {} : { signal: at.signal };
    const receipt = await at.blobs.store.put({ key, body: stream, mediaType, ...more });
    return at.file(key, { ...receipt, mediaType, name: settings.name ?? null });
  }

  /**
   * A file that is in a blob store already: `s3://…`, `gs://…`, `az://…`, `file://…`. Nothing is copied.
   *
   * @throws GodwitError BLOB_NOT_FOUND; BLOB_STORE_MISSING when the runner cannot open this store
   */
  static async fromUri(uri: string, settings: FileSettings = {}): Promise<File> {
    const blobs = await currentBlobs();
    const { store, key } = await placeOf(blobs, uri);
    const info = await store.head({ key });
    if (info === null) throw notFound(uri);
    const { sizeBytes, sha256 } = info;
    const name = settings.name ?? key.slice(key.lastIndexOf("/") + 1);
    const mediaType = settings.mediaType ?? info.mediaType;
    return new File({ uri, sha256, sizeBytes, name, mediaType, producer: null });
  }

  get uri(): string {
    return this.#reference.uri;
  }

  /** In hex; null for a file that was there before and whose store does not know it. */
  get sha256(): string | null {
    return this.#reference.sha256;
  }

  get sizeBytes(): number {
    return this.#reference.sizeBytes;
  }

  get mediaType(): string {
    return this.#reference.mediaType;
  }

  get name(): string | null {
    return this.#reference.name;
  }

  /** The action that made it; null when it was made outside of any run. */
  get producer(): Producer | null {
    return this.#reference.producer;
  }

  /** Its bytes as they come. Read to the end, they are held against the SHA-256. */
  open(): ReadableStream<Uint8Array> {
    const opened = this.#get();
    // Whoever reads meets the failure.
    opened.catch(() => undefined);
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          reader ??= (await opened).body.getReader();
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        async cancel(reason) {
          reader ??= (await opened).body.getReader();
          await reader.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** All of it in memory. */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const { body, info } = await this.#get();
    return collectBytes(body, info.sizeBytes);
  }

  /** All of it in memory, as UTF-8. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  /** Writes it to a path of this machine, whole or not at all; folders are made. */
  async download(path: string): Promise<void> {
    const { writeWhole } = await import("./disk.ts");
    await writeWhole(path, this.open());
  }

  async #get(): Promise<OpenBlob> {
    const { uri, sha256 } = this.#reference;
    const { store, key } = await placeOf(await currentBlobs(), uri);
    return store.get({ key, ...(sha256 !== null && { sha256 }) });
  }
}

/** Where a new file goes, and who makes it. */
interface Origin {
  readonly blobs: BlobAccess;
  readonly producer: Producer | null;
  readonly signal: AbortSignal | undefined;
  file(key: string, facts: Omit<FileReference, "uri" | "producer">): File;
}

/** @internal The running task and its blob store, or the configured one. */
export async function origin(): Promise<Origin> {
  const session = currentSession();
  const producer = session === undefined ? null : { run: session.info.run, action: session.info.action };
  const blobs = await currentBlobs();
  return {
    blobs,
    producer,
    signal: session?.signal,
    file: (key, { sha256, sizeBytes, name, mediaType }) =>
      new File({ uri: blobs.store.uriOf(key), sha256, sizeBytes, name, mediaType, producer }),
  };
}

function notFound(uri: string): GodwitError {
  return new GodwitError("BLOB_NOT_FOUND", `there is nothing at ${uri}`);
}

function referenceOf(file: File): FileReference {
  return (file as unknown as Record<symbol, FileReference>)[BRAND] as FileReference;
}

/** What comes from outside, checked. */
function checkReference(given: FileReference): FileReference {
  const { uri, sha256, sizeBytes, name, mediaType, producer } = given;
  const isWhole =
    typeof uri === "string" &&
    (sha256 === null || (typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256))) &&
    Number.isSafeInteger(sizeBytes) &&
    (name === null || typeof name === "string") &&
    typeof mediaType === "string" &&
    (producer === null || (typeof producer?.run === "string" && typeof producer.action === "string"));
  if (!isWhole) throw new TypeError("not a file");
  return { uri, sha256, sizeBytes, name, mediaType, producer };
}
