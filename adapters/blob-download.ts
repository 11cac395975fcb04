import { createHash } from "node:crypto";
import { GodwitError } from "../src/core/errors.ts";
import type { BlobInfo, BlobRange, GetParams, OpenBlob } from "../src/ports/blobs.ts";
import { abortable } from "./abortable.ts";
import { mismatch } from "./blob-source.ts";
import { type Http, type HttpReply, readText, reasonOf } from "./http.ts";

/** Which bytes to ask for: the version that was opened, so that two versions are never mixed. */
export interface RangeRequest {
  readonly start: number;
  /** One after the last; undefined asks for everything to the end. */
  readonly end: number | undefined;
  /** Undefined on the first request. */
  readonly version: string | undefined;
}

/** How one store is asked for bytes. */
export interface Downloader {
  /** Sends the request; 200, 206, 404, 412 and 416 are answers. */
  request(range: RangeRequest): Promise<HttpReply>;
  /** What the headers tell; `sizeBytes` is worked out from the range headers. */
  describe(headers: Headers): Omit<BlobInfo, "sizeBytes">;
  /** What identifies the version of the blob in further requests. */
  versionOf(headers: Headers): string | undefined;
  /** What is known of this version besides its headers, where a store does not put all of it there. */
  knows?(): Promise<BlobInfo | undefined>;
}

/** Opens a blob over HTTP. Its body resumes after a broken connection and ends only when it is complete. */
export async function download(http: Http, params: GetParams, downloader: Downloader): Promise<OpenBlob> {
  const { range, key, signal } = params;
  if (range !== undefined) checkRange(key, range);
  const wanted: RangeRequest = {
    start: range?.offset ?? 0,
    end: range?.length === undefined ? undefined : range.offset + range.length,
    version: undefined,
  };
  const reply = await downloader.request(wanted);
  const { response } = reply;
  if (response.status === 404) throw await refuseMissing(http, key, reply);
  if (response.status === 416) {
    await response.body?.cancel();
    throw outOfRange(key, wanted.start);
  }
  const sizes = readSizes(response, wanted);
  if (range !== undefined && sizes.sizeBytes <= wanted.start) {
    await response.body?.cancel();
    throw outOfRange(key, wanted.start);
  }
  const told = { ...downloader.describe(response.headers), sizeBytes: sizes.sizeBytes };
  const info: BlobInfo = (await downloader.knows?.()) ?? told;
  const isWhole = range === undefined && !sizes.isTransformed;
  const body = new ResumingBody(http, params, {
    downloader,
    version: downloader.versionOf(response.headers),
    start: sizes.start,
    end: sizes.isTransformed || sizes.isEndless ? undefined : sizes.end,
    sha256: isWhole ? (params.sha256 ?? info.sha256 ?? undefined) : undefined,
  });
  return { info, start: sizes.start, end: sizes.end, body: body.open(response, signal) };
}

export function checkRange(key: string, { offset, length }: BlobRange): void {
  const isValid = Number.isSafeInteger(offset) && offset >= 0;
  const hasLength = length === undefined || (Number.isSafeInteger(length) && length >= 1);
  if (isValid && hasLength) return;
  throw new GodwitError("BLOB_RANGE_INVALID", `"${key}" has no range from ${offset} of length ${length}`);
}

export function outOfRange(key: string, offset: number): GodwitError {
  return new GodwitError("BLOB_RANGE_INVALID", `"${key}" ends before byte ${offset}`);
}

export function notFound(key: string): GodwitError {
  return new GodwitError("BLOB_NOT_FOUND", `there is no blob "${key}"`);
}

/** A missing bucket is not a missing blob: nobody may take it for an empty store. */
export async function refuseMissing(http: Http, key: string, reply: HttpReply): Promise<GodwitError> {
  const text = await readText(http, reply);
  if (!/NoSuchBucket|ContainerNotFound|bucket does not exist/.test(text)) return notFound(key);
  return http.refuse(new Response(text, { status: 404 }));
}

interface Sizes {
  readonly sizeBytes: number;
  readonly start: number;
  readonly end: number;
  /** The bytes are unpacked on their way, so their number is not the one that is stored. */
  readonly isTransformed: boolean;
  /** The reply does not say how long it is, so only the checksum can tell whether it is complete. */
  readonly isEndless: boolean;
}

function readSizes({ status, headers }: Response, wanted: RangeRequest): Sizes {
  const encodings = [headers.get("content-encoding"), headers.get("x-goog-stored-content-encoding")];
  const isTransformed = encodings.some((encoding) => encoding !== null && encoding !== "identity");
  const ranged = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get("content-range") ?? "");
  if (status === 206 && ranged !== null) {
    const [start = 0, last = 0, sizeBytes = 0] = ranged.slice(1).map(Number);
    return { sizeBytes, start, end: last + 1, isTransformed, isEndless: false };
  }
  const length = headers.get("content-length");
  const sizeBytes = Number(length ?? 0);
  // A reply of status 200 to a range is fine when the range is the whole.
  if (wanted.start > 0 || (wanted.end !== undefined && (length === null || sizeBytes > wanted.end))) {
    throw new GodwitError("BLOB_STORE_UNAVAILABLE", "the store answered a range with the whole blob");
  }
  return { sizeBytes, start: 0, end: sizeBytes, isTransformed, isEndless: length === null };
}

interface BodyPlan {
  readonly downloader: Downloader;
  readonly version: string | undefined;
  readonly start: number;
  /** Undefined when the number of bytes is not known; then nothing is resumed or verified. */
  readonly end: number | undefined;
  readonly sha256: string | undefined;
}

/** Each break is forgiven once per this many bytes, on top of the tries of one request. */
const BYTES_PER_BREAK = 16 * 1024 * 1024;

class ResumingBody {
  readonly #http: Http;
  readonly #params: GetParams;
  readonly #plan: BodyPlan;
  #at: number;
  #breaks = 0;

  constructor(http: Http, params: GetParams, plan: BodyPlan) {
    this.#http = http;
    this.#params = params;
    this.#plan = plan;
    this.#at = plan.start;
  }

  open(response: Response, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
    const chunks = this.#chunks(response, signal);
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const next = await chunks.next();
          if (next.done === true) controller.close();
          else controller.enqueue(next.value);
        },
        async cancel() {
          // The generator may be waiting for bytes: closing the connection ends that wait.
          await Promise.all([
            chunks.return(),
            response.body?.locked === true ? undefined : response.body?.cancel(),
          ]);
        },
      },
      { highWaterMark: 0 },
    );
  }

  async *#chunks(
    first: Response,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = this.#plan.sha256 === undefined ? undefined : createHash("sha256");
    for (let response = first; ; response = await this.#resume(signal)) {
      try {
        for await (const chunk of this.#read(response, signal)) {
          this.#at += chunk.byteLength;
          hash?.update(chunk);
          yield chunk;
        }
        if (this.#plan.end === undefined || this.#at === this.#plan.end) break;
        throw new Error(`the reply ended at byte ${this.#at} of ${this.#plan.end}`);
      } catch (error) {
        if (this.#at === this.#plan.end) break;
        await this.#break(error, signal);
      }
    }
    const found = hash?.digest("hex");
    if (found === this.#plan.sha256?.toLowerCase()) return;
    throw mismatch(this.#params.key, `has the SHA-256 ${found}, not ${this.#plan.sha256}`);
  }

  async *#read(
    response: Response,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = response.body?.getReader();
    if (reader === undefined) return;
    try {
      while (true) {
        const { done, value } = await this.#inTime(reader.read(), signal);
        if (done) return;
        const left = (this.#plan.end ?? Number.POSITIVE_INFINITY) - this.#at;
        if (value.byteLength > left) throw new Error("the reply is longer than it said");
        yield value;
      }
    } finally {
      void reader.cancel().catch(() => undefined);
    }
  }

  async #inTime<Value>(read: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
    const stalled = new AbortController();
    const { timeoutMs, clock } = this.#http;
    const cancel = clock.after(timeoutMs, () => stalled.abort(new Error(`no bytes for ${timeoutMs} ms`)));
    try {
      return await abortable(abortable(read, signal), stalled.signal);
    } finally {
      cancel();
    }
  }

  /** Counts a break and waits before the next try, or gives up. */
  async #break(error: unknown, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (error instanceof GodwitError) throw error;
    const { end, start } = this.#plan;
    const forgiven = Math.floor((this.#at - start) / BYTES_PER_BREAK);
    this.#breaks += 1;
    if (end === undefined || this.#breaks - forgiven >= this.#http.attempts) {
      throw this.#http.unavailable({ reason: reasonOf(error), cause: error }, this.#breaks);
    }
    await this.#http.pause(Math.max(1, this.#breaks - forgiven), signal);
  }

  async #resume(signal: AbortSignal | undefined): Promise<Response> {
    const { downloader, end, version } = this.#plan;
    signal?.throwIfAborted();
    const { response } = await downloader.request({ start: this.#at, end, version });
    if (response.status === 206) return response;
    await response.body?.cancel();
    throw new GodwitError("BLOB_CHANGED", `"${this.#params.key}" was replaced or deleted while it was read`);
  }
}
