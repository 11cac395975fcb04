import { contentKey } from "../core/blob-keys.ts";
import { registerValueType } from "../core/value.ts";
import type { Producer } from "../core/value-ref.ts";
import { currentBlobs, placeOf } from "./blobs.ts";
import { prefixOf, putContent, sha256Of } from "./content.ts";
import { File, origin } from "./file.ts";
import { readLines } from "./lines.ts";
import { forEachParallel } from "./parallel.ts";

/** Settings of an upload or a download. */
export interface DirSettings {
  /** Files transferred at once. Default 16. */
  readonly concurrency?: number | undefined;
}

/** A folder as it travels. */
export interface DirReference {
  /** Of its manifest. */
  readonly uri: string;
  /** Of its manifest: equal for folders with equal files under equal paths. */
  readonly sha256: string;
  /** Of all files together. */
  readonly sizeBytes: number;
  readonly fileCount: number;
  readonly name: string | null;
  readonly producer: Producer | null;
}

/** One line of a manifest. */
interface ManifestEntry {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

const BRAND = Symbol.for("godwit.dir");
const CONCURRENCY = 16;
const MANIFEST_TYPE = "application/x-ndjson";
const FILE_TYPE = "application/octet-stream";

/**
 * A folder of files in the blob store. It travels as a reference to its manifest, a list of paths and hashes; files
 * that are there already, from another folder or an earlier version of this one, are not sent again.
 *
 * @example
 * const dataset = await Dir.fromPath("data/");
 * for await (const file of dataset.files()) console.log(file.name, file.sizeBytes);
 * await dataset.download("/tmp/data");
 */
export class Dir {
  /** Instances travel as they are. */
  declare readonly "~portable": true;
  readonly #reference: DirReference;

  /** @internal Made by `Dir.fromPath` and by the codec. */
  constructor(reference: DirReference) {
    this.#reference = reference;
    Object.defineProperty(this, BRAND, { value: reference });
  }

  static {
    registerValueType<Dir, DirReference>({
      tag: "dir",
      is: (value): value is Dir => BRAND in value,
      encode: (dir) => (dir as unknown as Record<symbol, DirReference>)[BRAND] as DirReference,
      decode: (payload) => new Dir(checkReference(payload)),
    });
  }

  /** Across copies of the library in one process. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && BRAND in value;
  }

  /** Uploads a folder of this machine, many files at a time. Empty folders are left out. */
  static async fromPath(
    path: string,
    { concurrency = CONCURRENCY, name }: DirSettings & { readonly name?: string } = {},
  ): Promise<Dir> {
    const disk = await import("./disk.ts");
    const at = await origin();
    const entries: ManifestEntry[] = [];
    await forEachParallel(disk.walkFolder(path), concurrency, async (inside) => {
      const place = disk.pathInside(path, inside);
      const known = await disk.describeFile(place);
      await putContent(
        at.blobs,
        { ...known, mediaType: FILE_TYPE, open: () => disk.openFile(place) },
        at.signal,
      );
      entries.push({ path: inside, ...pick(known) });
    });
    // In one order, so that equal folders have equal manifests.
    entries.sort((a, b) => (a.path < b.path ? -1 : 1));
    const manifest = new TextEncoder().encode(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    const content = { sha256: sha256Of(manifest), sizeBytes: manifest.byteLength, mediaType: MANIFEST_TYPE };
    const key = await putContent(at.blobs, { ...content, open: () => manifest }, at.signal);
    return new Dir({
      uri: at.blobs.store.uriOf(key),
      sha256: content.sha256,
      sizeBytes: entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      fileCount: entries.length,
      name: name ?? disk.baseName(path),
      producer: at.producer,
    });
  }

  /** Of the manifest. */
  get uri(): string {
    return this.#reference.uri;
  }

  /** In hex; equal for folders with equal files under equal paths, wherever they were made. */
  get hash(): string {
    return this.#reference.sha256;
  }

  /** Of all files together. */
  get sizeBytes(): number {
    return this.#reference.sizeBytes;
  }

  get fileCount(): number {
    return this.#reference.fileCount;
  }

  get name(): string | null {
    return this.#reference.name;
  }

  /** The action that made it; null when it was made outside of any run. */
  get producer(): Producer | null {
    return this.#reference.producer;
  }

  /** Its files in the order of their paths, which are their names. The manifest is read as it is needed. */
  async *files(): AsyncGenerator<File, void, void> {
    const { uri, sha256, producer } = this.#reference;
    const { store, key } = await placeOf(await currentBlobs(), uri);
    const prefix = prefixOf(key);
    const { body } = await store.get({ key, sha256 });
    for await (const line of readLines(body)) {
      const entry = checkEntry(JSON.parse(line) as ManifestEntry);
      const place = store.uriOf(contentKey(prefix, entry.sha256));
      yield new File({ uri: place, ...pick(entry), name: entry.path, mediaType: FILE_TYPE, producer });
    }
  }

  /** The file at a path, or undefined. */
  async file(path: string): Promise<File | undefined> {
    for await (const file of this.files()) if (file.name === path) return file;
    return undefined;
  }

  /** Writes all files below a folder of this machine, many at a time. Files that are there are replaced. */
  async download(folder: string, { concurrency = CONCURRENCY }: DirSettings = {}): Promise<void> {
    const { pathInside } = await import("./disk.ts");
    await forEachParallel(this.files(), concurrency, (file) =>
      file.download(pathInside(folder, file.name ?? "")),
    );
  }
}

function pick({
  sha256,
  sizeBytes,
}: Pick<ManifestEntry, "sha256" | "sizeBytes">): Pick<ManifestEntry, "sha256" | "sizeBytes"> {
  return { sha256, sizeBytes };
}

function checkEntry(entry: ManifestEntry): ManifestEntry {
  const isWhole =
    typeof entry.path === "string" && isHash(entry.sha256) && Number.isSafeInteger(entry.sizeBytes);
  if (!isWhole) throw new TypeError("the manifest of a folder cannot be read");
  return entry;
}

/** What comes from outside, checked. */
function checkReference(given: DirReference): DirReference {
  const { uri, sha256, sizeBytes, fileCount, name, producer } = given;
  const isWhole =
    typeof uri === "string" &&
    isHash(sha256) &&
    Number.isSafeInteger(sizeBytes) &&
    Number.isSafeInteger(fileCount) &&
    (name === null || typeof name === "string") &&
    (producer === null || (typeof producer?.run === "string" && typeof producer.action === "string"));
  if (!isWhole) throw new TypeError("not a folder");
  return { uri, sha256, sizeBytes, fileCount, name, producer };
}

function isHash(text: unknown): boolean {
  return typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
}
