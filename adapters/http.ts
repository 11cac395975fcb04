import { errorFor, GodwitError } from "../src/core/errors.ts";
import { backoffMs } from "../src/core/retry.ts";
import { type Clock, systemClock } from "../src/ports/clock.ts";
import { type Random, systemRandom } from "../src/ports/random.ts";
import { abortable, sleep } from "./abortable.ts";

/** How hard an adapter tries before it gives up. */
export interface RetryOptions {
  /** Tries of one request. Default 6. */
  readonly attempts?: number;
  /** The first delay; each further one doubles, with full jitter. Default 200 ms. */
  readonly delayMs?: number;
  /** The longest delay, and the longest `Retry-After` that is waited for. Default 20 s. */
  readonly maxDelayMs?: number;
  /** All delays of one request together. Default 60 s. */
  readonly budgetMs?: number;
  /** How long a reply may take to begin, and a body to go on. Default 30 s, and more for what is sent. */
  readonly timeoutMs?: number;
}

export interface HttpOptions extends RetryOptions {
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | string | StreamedBody;
}

/** Bytes that are read as they are sent. */
export interface StreamedBody {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly sizeBytes: number;
}

export interface SendOptions {
  /** Statuses that are an answer, besides those of success. */
  readonly accept?: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

/** `isRepeated`: an earlier try may have had an effect, its reply did not come or said that the server broke. */
export interface HttpReply {
  readonly response: Response;
  readonly isRepeated: boolean;
}

/** What a store said when it refused something. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

export type ReadRefusal = (response: Response, text: string) => Refusal;

/** Where the requests of one store go through: tries again what may pass, and names what will not. */
export class Http {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly #store: string;
  readonly #options: HttpOptions;
  readonly #random: Random;
  readonly #readRefusal: ReadRefusal;

  constructor(store: string, readRefusal: ReadRefusal, options: HttpOptions = {}) {
    this.#store = store;
    this.#readRefusal = readRefusal;
    this.#options = options;
    this.clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.timeoutMs = options.timeoutMs ?? 30_000;
    this.attempts = options.attempts ?? 6;
  }

  /** The answer to a request that may be sent more than once; `make` is asked for each try, as signatures age. */
  async send(make: () => Promise<HttpRequest>, options: SendOptions = {}): Promise<HttpReply> {
    let isRepeated = false;
    let leftMs = this.#options.budgetMs ?? 60_000;
    for (let attempt = 1; ; attempt++) {
      options.signal?.throwIfAborted();
      const tried = await this.#try(await make(), options);
      if ("response" in tried) return { response: tried.response, isRepeated };
      const delayMs = this.delayMs(attempt, tried.retryAfterMs);
      leftMs -= delayMs;
      if (attempt >= this.attempts || leftMs < 0) throw this.unavailable(tried, attempt);
      isRepeated ||= tried.mayHaveHadEffect;
      await sleep(this.clock, delayMs, options.signal);
    }
  }

  /** How long to wait after failure number `nth`; a store that names a time is waited for at least as long. */
  delayMs(nth: number, retryAfterMs = 0): number {
    const policy = {
      count: this.attempts,
      delayMs: this.#options.delayMs ?? 200,
      maxDelayMs: this.#options.maxDelayMs ?? 20_000,
    };
    return Math.max(backoffMs(policy, nth, this.#random.number()), Math.min(retryAfterMs, policy.maxDelayMs));
  }

  /** Waits before another try of something that was answered, but not decided. */
  pause(nth: number, signal: AbortSignal | undefined): Promise<void> {
    return sleep(this.clock, this.delayMs(nth), signal);
  }

  unavailable(failure: { readonly reason: string; readonly cause?: unknown }, attempts: number): GodwitError {
    const message = `${this.#store} failed ${attempts} times, the last time because ${failure.reason}`;
    return new GodwitError("BLOB_STORE_UNAVAILABLE", message, { attempts, cause: failure.cause });
  }

  /** The error for an answer that nobody can use. */
  async refuse(response: Response): Promise<GodwitError> {
    const text = await response.text().catch(() => "");
    const { code, message } = this.#readRefusal(response, text.slice(0, 64 * 1024));
    const details = { status: response.status, reason: code };
    const line = `${this.#store} answered ${response.status} ${code}: ${message}`;
    if (response.status === 401 || response.status === 403) {
      return errorFor("BLOB_ACCESS_DENIED", line, { details });
    }
    return errorFor(CHECKSUM.test(code) ? "BLOB_CHECKSUM_MISMATCH" : "BLOB_REQUEST_REFUSED", line, {
      details,
    });
  }

  async #try(request: HttpRequest, { accept = [], signal }: SendOptions): Promise<Tried> {
    // Linked by hand: signals made by `AbortSignal.any` keep what they stopped in memory for as long as their sources.
    const stop = new AbortController();
    const broken: BrokenSource = {};
    const abort = (): void => stop.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const limitMs = this.timeoutMs + sizeOf(request.body) / SLOWEST_BYTES_PER_MS;
    const cancel = this.clock.after(limitMs, () => stop.abort(new Error(`no reply within ${limitMs} ms`)));
    try {
      const init = { redirect: "manual", ...fetchInit(request, broken), signal: stop.signal } as const;
      const response = await fetch(request.url, init);
      if (response.ok || accept.includes(response.status)) return { response };
      if (!(await isPassing(response))) throw await this.refuse(response);
      await response.body?.cancel();
      return {
        reason: `of status ${response.status}`,
        retryAfterMs: readRetryAfter(response, this.clock.now()),
        mayHaveHadEffect: response.status >= 500,
      };
    } catch (error) {
      signal?.throwIfAborted();
      if ("error" in broken) throw broken.error;
      if (error instanceof GodwitError) throw error;
      return { reason: reasonOf(error), cause: error, retryAfterMs: 0, mayHaveHadEffect: true };
    } finally {
      cancel();
      signal?.removeEventListener("abort", abort);
    }
  }
}

/** What a source of bytes threw: no repetition repairs that. */
interface BrokenSource {
  error?: unknown;
}

function fetchInit({ url: _, body, ...request }: HttpRequest, broken: BrokenSource): RequestInit {
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) {
    return { ...request, ...(body !== undefined && { body }) };
  }
  const headers = { ...request.headers, "content-length": String(body.sizeBytes) };
  const stream = ReadableStream.from(noting(body.chunks, broken));
  // Only with these two does `fetch` not keep a copy of what it sends, in case it is told to send it elsewhere.
  const once = { window: null, redirect: "error" } as const;
  // The types of `fetch` do not know yet that a streamed body needs `duplex`.
  return { ...request, ...once, headers, body: stream, duplex: "half" } as RequestInit;
}

async function* noting(
  chunks: AsyncIterable<Uint8Array>,
  broken: BrokenSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* chunks;
  } catch (error) {
    broken.error = error;
    throw error;
  }
}

function sizeOf(body: HttpRequest["body"]): number {
  if (body === undefined) return 0;
  return typeof body === "string" || body instanceof Uint8Array ? body.length : body.sizeBytes;
}

/** Reads a small answer whole; a body that breaks off is an error of the store. */
export async function readText(http: Http, reply: HttpReply, signal?: AbortSignal): Promise<string> {
  try {
    return await abortable(reply.response.text(), signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw http.unavailable({ reason: reasonOf(error), cause: error }, 1);
  }
}

/** `fetch` hides the network's own words in the cause. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== "" ? `${message}: ${cause.message}` : message;
}

type Tried = { readonly response: Response } | Failed;

interface Failed {
  readonly reason: string;
  readonly cause?: unknown;
  readonly retryAfterMs: number;
  readonly mayHaveHadEffect: boolean;
}

/** A part that is uploaded slower than this is given up: 32 kB/s. */
const SLOWEST_BYTES_PER_MS = 32;
const CHECKSUM = /digest|checksum|md5/i;
const BROKEN = /\b(RequestTimeout|BadDigest|XAmzContentSHA256Mismatch|Md5Mismatch|InvalidMd5)\b/;
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

async function isPassing(response: Response): Promise<boolean> {
  if (PASSING.has(response.status)) return true;
  // Also a body that came too slowly, or broken: ours was hashed before it was sent, so it broke on its way.
  return response.status === 400 && BROKEN.test(await response.clone().text());
}

function readRetryAfter(response: Response, nowMs: number): number {
  const text = response.headers.get("retry-after");
  if (text === null) return 0;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
