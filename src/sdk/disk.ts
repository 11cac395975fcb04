import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, opendir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { GodwitError } from "../core/errors.ts";
import type { PutReceipt, RepeatableSource } from "../ports/blobs.ts";

/** Files of this machine; loaded when a path is first given, as not every platform has them. */

const CHUNK_BYTES = 256 * 1024;

/** Size and hash of a file. */
export async function describeFile(path: string): Promise<PutReceipt> {
  const found = await stat(path).catch((error: unknown) => {
    throw new GodwitError("BLOB_NOT_FOUND", `there is no file at ${path}`, { cause: error });
  });
  if (!found.isFile())
    throw new GodwitError("BLOB_NOT_FOUND", `${path} is no file`, {
      hint: "For a folder use `Dir.fromPath`.",
    });
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of openFile(path)) {
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
  }
  return { sha256: hash.digest("hex"), sizeBytes };
}

/** The bytes of a file, read anew each time they are asked for. */
export function openFile(path: string): RepeatableSource {
  const open = (): AsyncIterable<Uint8Array> => createReadStream(path, { highWaterMark: CHUNK_BYTES });
  return { isRepeatable: true, [Symbol.asyncIterator]: () => open()[Symbol.asyncIterator]() };
}

export function baseName(path: string): string {
  return basename(path);
}

/** Writes a file that appears when it is whole. */
export async function writeWhole(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  const file = await open(draft, "wx");
  try {
    for await (const chunk of body) {
      for (let at = 0; at < chunk.byteLength; ) at += (await file.write(chunk, at)).bytesWritten;
    }
    await file.close();
    await rename(draft, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(draft, { force: true });
    throw error;
  }
}

/** The files below a folder, by their path in it with `/`. Links are followed to files, never to folders. */
export async function* walkFolder(root: string, inside = ""): AsyncGenerator<string, void, void> {
  for await (const entry of await opendir(join(root, inside))) {
    const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
    if (entry.isDirectory()) yield* walkFolder(root, path);
    else if (entry.isFile() || (entry.isSymbolicLink() && (await stat(join(root, path))).isFile()))
      yield path;
  }
}

/** The place of a path inside of a folder. @throws GodwitError when it leads out of the folder */
export function pathInside(folder: string, path: string): string {
  const root = resolve(folder);
  const place = resolve(root, path);
  if (place.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) return place;
  throw new GodwitError("BLOB_URI_INVALID", `${JSON.stringify(path)} leads out of the folder`);
}
