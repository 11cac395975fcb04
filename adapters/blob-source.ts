import { createHash, type Hash } from "node:crypto";
import { GodwitError } from "../src/core/errors.ts";
import type { BlobSource, PutParams, PutReceipt } from "../src/ports/blobs.ts";
import { abortable } from "./abortable.ts";

/** One piece of a body; `isLast` is known when it is handed out, and then the whole has been found in order. */
export interface Part {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly offset: number;
  readonly isLast: boolean;
  /** Gives the memory back; the bytes must not be used afterwards. */
  release(): void;
}

/** A body that is counted and hashed while it is read, and held against what was promised before its last part. */
export class CheckedSource {
  readonly #params: PutParams;
  readonly #hash: Hash = createHash("sha256");
  #sizeBytes = 0;
  #receipt: PutReceipt | undefined;

  constructor(params: PutParams) {
    this.#params = params;
  }

  /** Size and hash; there once the last part has been handed out. */
  get receipt(): PutReceipt {
    if (this.#receipt === undefined) throw new Error("the body has not been read to its end");
    return this.#receipt;
  }

  /** The chunks as they come. Ends with `BLOB_CHECKSUM_MISMATCH` when they are not what was promised. */
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of abortableChunks(this.#params.body, this.#params.signal)) {
      this.#hash.update(chunk);
      this.#sizeBytes += chunk.byteLength;
      const { sizeBytes } = this.#params;
      if (sizeBytes !== undefined && this.#sizeBytes > sizeBytes) throw this.#mismatch("more than");
      yield chunk;
    }
    this.#receipt = this.#check();
  }

  /** The bytes in parts of `partBytes`, the last one shorter; at least one, which may be empty. */
  async *parts(partBytes: number): AsyncGenerator<Part, void, undefined> {
    const pool: Uint8Array<ArrayBuffer>[] = [];
    let offset = 0;
    let filling = new PartBuffer(partBytes, pool);
    for await (const chunk of this.chunks()) {
      for (let from = 0; from < chunk.byteLength; ) {
        // A full part waits for a further byte, as only then it is not the last.
        if (filling.isFull) {
          yield filling.finish(offset, false);
          offset += partBytes;
          filling = new PartBuffer(partBytes, pool);
        }
        from += filling.take(chunk.subarray(from));
      }
    }
    yield filling.finish(offset, true);
  }

  #check(): PutReceipt {
    const { sizeBytes, sha256 } = this.#params;
    if (sizeBytes !== undefined && sizeBytes !== this.#sizeBytes) throw this.#mismatch("less than");
    const found = this.#hash.digest("hex");
    if (sha256 !== undefined && sha256.toLowerCase() !== found) {
      throw mismatch(this.#params.key, `has the SHA-256 ${found}, not ${sha256}`);
    }
    return { sizeBytes: this.#sizeBytes, sha256: found };
  }

  #mismatch(how: string): GodwitError {
    return mismatch(
      this.#params.key,
      `has ${this.#sizeBytes} bytes, ${how} the ${this.#params.sizeBytes} told`,
    );
  }
}

/** @example throw mismatch("a/b", "has 3 bytes, not 4"); */
export function mismatch(key: string, what: string): GodwitError {
  return new GodwitError("BLOB_CHECKSUM_MISMATCH", `the content of "${key}" ${what}`);
}

/** The chunks of a body; a source that never answers is left when the signal fires. */
async function* abortableChunks(
  body: BlobSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted();
  if (body instanceof Uint8Array) return yield body;
  const iterator = body[Symbol.asyncIterator]();
  let isDone = false;
  try {
    while (true) {
      const next = await abortable(iterator.next(), signal);
      isDone = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    // What the source threw ended it already.
    isDone ||= signal?.aborted !== true;
    throw error;
  } finally {
    // Not awaited: a source that hangs would hang here as well.
    if (!isDone) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

/** Tells a body that is not read to its end to let go of what it holds. */
export async function discard(body: BlobSource): Promise<void> {
  if (body instanceof Uint8Array) return;
  await Promise.resolve(body[Symbol.asyncIterator]().return?.()).catch(() => undefined);
}

const FIRST_BYTES = 64 * 1024;

/** Memory that grows with what is put in, up to one part; whole parts come from a pool and go back to it. */
class PartBuffer {
  readonly #limit: number;
  readonly #pool: Uint8Array<ArrayBuffer>[];
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #used = 0;

  constructor(limit: number, pool: Uint8Array<ArrayBuffer>[]) {
    this.#limit = limit;
    this.#pool = pool;
  }

  get isFull(): boolean {
    return this.#used === this.#limit;
  }

  /** How many bytes of `chunk` found room. */
  take(chunk: Uint8Array): number {
    const count = Math.min(chunk.byteLength, this.#limit - this.#used);
    this.#reserve(this.#used + count);
    this.#bytes.set(chunk.subarray(0, count), this.#used);
    this.#used += count;
    return count;
  }

  finish(offset: number, isLast: boolean): Part {
    const bytes = this.#bytes;
    const release = (): void => {
      if (bytes.byteLength === this.#limit && !this.#pool.includes(bytes)) this.#pool.push(bytes);
    };
    return { bytes: bytes.subarray(0, this.#used), offset, isLast, release };
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.byteLength) return;
    const wanted = Math.min(this.#limit, Math.max(FIRST_BYTES, size, this.#bytes.byteLength * 4));
    const pooled = wanted === this.#limit ? this.#pool.pop() : undefined;
    const larger = pooled ?? new Uint8Array(wanted);
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = larger;
  }
}
