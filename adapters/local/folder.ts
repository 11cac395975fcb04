import { createHash, randomUUID } from "node:crypto";
import type { Dirent, Stats } from "node:fs";
import {
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { sha256OfKey } from "../../src/core/blob-keys.ts";
import { GodwitError } from "../../src/core/errors.ts";
import { checkBlobKey } from "../../src/core/uri.ts";
import { DEFAULT_MEDIA_TYPE } from "../../src/ports/blobs.ts";

/** What the folder notes about a blob besides its bytes. */
export interface BlobNote {
  readonly sha256: string;
  readonly mediaType: string;
}

const OWN = ".godwit";
const STALE_MS = 24 * 3_600_000;
const MAX_NAME_BYTES = 255;

/**
 * The layout of a folder store: each key is a path below the root. `.godwit/` holds files that are being written and
 * what is known of each blob, under the inode and time of its file, so that a note can never describe other bytes.
 */
export class Folder {
  readonly root: string;
  #ready: Promise<void> | undefined;

  constructor(root: string) {
    this.root = root;
  }

  /** The file of a key; nothing that passes here is outside of the root. */
  pathOf(key: string): string {
    const segments = checkBlobKey(key).split("/");
    const tooLong = segments.find((segment) => Buffer.byteLength(segment) > MAX_NAME_BYTES);
    if (segments[0] === OWN || tooLong !== undefined) {
      const why =
        tooLong === undefined ? `"${OWN}" is the store's own` : `a name has at most ${MAX_NAME_BYTES} bytes`;
      throw new GodwitError("BLOB_URI_INVALID", `"${key}" cannot be a file: ${why}`);
    }
    return join(this.root, ...segments);
  }

  async stat(key: string): Promise<Stats | null> {
    try {
      const found = await stat(this.pathOf(key));
      return found.isFile() ? found : null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw failure(key, error);
    }
  }

  /** Room for a file on the same file system as the blobs, so that it can be moved to its place in one step. */
  async newFile(): Promise<string> {
    this.#ready ??= this.#prepare();
    await this.#ready.catch((error: unknown) => {
      this.#ready = undefined;
      throw failure(this.root, error);
    });
    return join(this.root, OWN, "tmp", randomUUID());
  }

  /** Gives a finished file its key. Without `replace` only one of many gets it. */
  async publish(
    file: string,
    key: string,
    how: { note: BlobNote; replace: boolean },
  ): Promise<"created" | "exists"> {
    const path = this.pathOf(key);
    const found = await stat(file);
    const note = this.#notePath(key, found);
    if (!isToldByKey(key, how.note)) {
      await mkdir(dirname(note), { recursive: true });
      await writeFile(note, JSON.stringify(how.note));
    }
    try {
      const outcome = await this.#place(file, path, how.replace);
      if (outcome === "exists") await rm(note, { force: true });
      else await this.#forget(key, note);
      return outcome;
    } catch (error) {
      await rm(note, { force: true });
      throw failure(key, error);
    }
  }

  async noteOf(key: string, found: Stats): Promise<BlobNote | undefined> {
    try {
      return JSON.parse(await readFile(this.#notePath(key, found), "utf8")) as BlobNote;
    } catch {
      const sha256 = sha256OfKey(key);
      // Else written by somebody else, or changed since: nothing is known.
      return sha256 === null ? undefined : { sha256, mediaType: DEFAULT_MEDIA_TYPE };
    }
  }

  async delete(key: string): Promise<void> {
    const path = this.pathOf(key);
    try {
      await unlink(path);
    } catch (error) {
      // Deleting a folder is EISDIR on Linux and EPERM elsewhere: there is no such blob.
      if (isMissing(error) || (await stat(path)).isDirectory()) return;
      throw failure(key, error);
    }
    await this.#forget(key);
    await this.#prune(dirname(path));
  }

  /** Keys after `after` that begin with `prefix`, in the order of their bytes. */
  async *keys(prefix: string, after: string): AsyncGenerator<string, void, undefined> {
    yield* this.#walk("", prefix, after);
  }

  async *#walk(folder: string, prefix: string, after: string): AsyncGenerator<string, void, undefined> {
    const entries = await readdir(join(this.root, folder), { withFileTypes: true }).catch(
      (error: unknown) => {
        if (isMissing(error)) return [];
        throw failure(folder, error);
      },
    );
    // A folder sorts as its name with the slash that its keys have after it.
    const names = entries
      .filter((entry) => folder !== "" || entry.name !== OWN)
      .map((entry) => `${folder}${entry.name}${isFolder(entry) ? "/" : ""}`)
      .sort(compareKeys);
    for (const name of names) {
      if (!name.endsWith("/")) {
        if (name.startsWith(prefix) && compareKeys(name, after) > 0) yield name;
      } else if (name.startsWith(prefix) || prefix.startsWith(name)) {
        if (after.startsWith(name) || compareKeys(name, after) > 0) yield* this.#walk(name, prefix, after);
      }
    }
  }

  async #prepare(): Promise<void> {
    const temporary = join(this.root, OWN, "tmp");
    await mkdir(temporary, { recursive: true });
    // What a killed process left behind.
    for (const name of await readdir(temporary)) {
      const path = join(temporary, name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && Date.now() - found.mtimeMs > STALE_MS) await rm(path, { force: true });
    }
  }

  async #place(file: string, path: string, replace: boolean): Promise<"created" | "exists"> {
    for (let attempt = 1; ; attempt++) {
      const made = await mkdir(dirname(path), { recursive: true });
      try {
        if (replace) await rename(file, path);
        else await link(file, path);
        await this.#syncFolders(dirname(path), made);
        return "created";
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // Somebody pruned the folder that was just made.
        if (code === "ENOENT" && attempt < 5) continue;
        if (code !== "EEXIST" || replace || (await stat(path)).isDirectory()) throw error;
        return "exists";
      }
    }
  }

  /** Makes the name durable, and those of the folders that were made for it. */
  async #syncFolders(folder: string, firstMade: string | undefined): Promise<void> {
    if (process.platform === "win32") return;
    const last = firstMade === undefined ? folder : dirname(firstMade);
    for (let at = folder; ; at = dirname(at)) {
      const handle = await open(at, "r");
      await handle.sync().finally(() => handle.close());
      if (at === last || at === this.root || at === dirname(at)) return;
    }
  }

  #noteFolder(key: string): string {
    const hash = createHash("sha256").update(key).digest("hex");
    return join(this.root, OWN, "notes", hash.slice(0, 2), hash.slice(2));
  }

  #notePath(key: string, found: Stats): string {
    return join(this.#noteFolder(key), `${found.ino}-${found.mtimeMs}-${found.size}.json`);
  }

  /** Deletes what is noted of earlier bytes of this key. */
  async #forget(key: string, keep?: string): Promise<void> {
    const folder = this.#noteFolder(key);
    for (const name of await readdir(folder).catch(() => [])) {
      if (keep !== undefined && (await this.#isPending(key, join(folder, name), keep))) continue;
      await rm(join(folder, name), { force: true });
    }
    await rmdir(folder).catch(() => undefined);
  }

  /** Whether a note belongs to the blob that is there now, or is younger than the one that was just placed. */
  async #isPending(key: string, note: string, keep: string): Promise<boolean> {
    if (note === keep) return true;
    const current = await this.stat(key);
    if (current !== null && note === this.#notePath(key, current)) return true;
    const [theirs, ours] = await Promise.all([stat(note), stat(keep)]).catch(() => []);
    return theirs !== undefined && ours !== undefined && theirs.mtimeMs >= ours.mtimeMs;
  }

  async #prune(folder: string): Promise<void> {
    for (let at = folder; at !== this.root && at.startsWith(this.root); at = dirname(at)) {
      const isGone = await rmdir(at).then(
        () => true,
        () => false,
      );
      if (!isGone) return;
    }
  }
}

export function compareKeys(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** The error of the table for one of the file system. */
export function failure(key: string, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof GodwitError || typeof code !== "string") return error as Error;
  if (code === "ENOTDIR" || code === "EISDIR" || code === "EEXIST" || code === "ENOTEMPTY") {
    const message = `"${key}" cannot be both a file and a folder, and one of them is there`;
    return new GodwitError("BLOB_UNSUPPORTED", message, { cause: error });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new GodwitError("BLOB_ACCESS_DENIED", `"${key}" is not accessible: ${code}`, { cause: error });
  }
  return new GodwitError("BLOB_STORE_UNAVAILABLE", `the file system failed at "${key}": ${code}`, {
    cause: error,
  });
}

/** Content under its own hash needs no note, which spares large values half of their files. */
function isToldByKey(key: string, { sha256, mediaType }: BlobNote): boolean {
  return mediaType === DEFAULT_MEDIA_TYPE && sha256OfKey(key) === sha256;
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

function isFolder(entry: Dirent): boolean {
  return entry.isDirectory();
}
