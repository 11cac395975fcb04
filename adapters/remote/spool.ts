import { randomUUID } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatBytes } from "../../src/core/bytes.ts";
import { GodwitError } from "../../src/core/errors.ts";
import type { PutParams, PutReceipt, RepeatableSource } from "../../src/ports/blobs.ts";
import { CheckedSource, discard } from "../blob-source.ts";

/** What is small is kept in memory. */
const MEMORY_BYTES = 1024 * 1024;
const READ_BYTES = 256 * 1024;

/** A body whose size and hash are known before it is sent, and that can be sent more than once. */
export interface Spooled extends PutReceipt {
  /** The bytes, from the start. */
  body(): Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array>;
  /** Gives back what it holds. */
  close(): Promise<void>;
}

/**
 * Finds out size and hash of a body, holding no more than a megabyte of it: what is larger goes to a temporary file,
 * which has no name any more while it is used. A file whose hash is told is not copied.
 *
 * @throws GodwitError BLOB_CHECKSUM_MISMATCH, BLOB_TOO_LARGE; what the source throws; the signal's reason
 */
export async function spool(params: PutParams, maxBytes: number): Promise<Spooled> {
  const { body, sizeBytes, sha256 } = params;
  if (sizeBytes !== undefined && sizeBytes > maxBytes) {
    await discard(body);
    throw tooLarge(params.key, maxBytes);
  }
  if (sizeBytes !== undefined && sha256 !== undefined && isRepeatable(body)) {
    const chunks = (): AsyncIterable<Uint8Array> => new CheckedSource(params).chunks();
    return { sizeBytes, sha256: sha256.toLowerCase(), body: chunks, close: () => Promise.resolve() };
  }
  return gather(params, maxBytes);
}

function isRepeatable(body: PutParams["body"]): body is RepeatableSource {
  return "isRepeatable" in body && body.isRepeatable === true;
}

async function gather(params: PutParams, maxBytes: number): Promise<Spooled> {
  const source = new CheckedSource(params);
  const head: Uint8Array[] = [];
  let held = 0;
  let file: TemporaryFile | undefined;
  try {
    for await (const chunk of source.chunks()) {
      held += chunk.byteLength;
      if (held > maxBytes) throw tooLarge(params.key, maxBytes);
      if (file === undefined && held <= MEMORY_BYTES) {
        head.push(chunk.slice());
        continue;
      }
      if (file === undefined) {
        file = await TemporaryFile.open();
        for (const part of head.splice(0)) await file.append(part);
      }
      await file.append(chunk);
    }
  } catch (error) {
    await file?.close();
    throw error;
  }
  const spooled = file;
  if (spooled === undefined) {
    const bytes = new Uint8Array(Buffer.concat(head));
    return { ...source.receipt, body: () => bytes, close: () => Promise.resolve() };
  }
  const { receipt } = source;
  return { ...receipt, body: () => spooled.read(receipt.sizeBytes), close: () => spooled.close() };
}

function tooLarge(key: string, maxBytes: number): GodwitError {
  const limit = formatBytes(maxBytes);
  return new GodwitError("BLOB_TOO_LARGE", `"${key}" is larger than one upload may be: ${limit}`);
}

/** Bytes on disk that go when they are closed, and when the process dies. */
class TemporaryFile {
  readonly #path: string;
  readonly #file: FileHandle;
  #isNamed = true;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async open(): Promise<TemporaryFile> {
    const path = join(tmpdir(), `godwit-${randomUUID()}`);
    const opened = new TemporaryFile(path, await open(path, "wx+", 0o600));
    // An open file needs no name, so nothing is left behind whatever happens. Windows wants it closed first.
    await rm(path).then(
      () => {
        opened.#isNamed = false;
      },
      () => undefined,
    );
    return opened;
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength; ) at += (await this.#file.write(chunk, at)).bytesWritten;
  }

  async *read(sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < sizeBytes; ) {
      const chunk = new Uint8Array(Math.min(READ_BYTES, sizeBytes - at));
      const { bytesRead } = await this.#file.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) throw new Error(`a temporary file ends at byte ${at} of ${sizeBytes}`);
      at += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
    if (this.#isNamed) await rm(this.#path, { force: true });
  }
}
