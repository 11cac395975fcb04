import { GodwitError } from "../core/errors.ts";
import type { SignedRequest } from "../ports/blobs.ts";
import { type Backoff, pause, pauseMs } from "./backoff.ts";
import { reasonOf } from "./problem.ts";

const TRIES = 5;
const BACKOFF: Backoff = { firstMs: 200, mostMs: 5_000 };
/** What a store says when the same request may be taken a moment later. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface SignedOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default: the platform's. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/**
 * Writes bytes under a signed URL; a try that fails on the way is repeated.
 *
 * @throws GodwitError BLOB_STORE_UNAVAILABLE, BLOB_ACCESS_DENIED, BLOB_REQUEST_REFUSED; the signal's reason
 */
export async function sendSigned(
  request: SignedRequest,
  bytes: Uint8Array<ArrayBuffer>,
  options: SignedOptions = {},
): Promise<void> {
  const reply = await exchange(request, { ...options, body: bytes });
  await reply.body?.cancel();
}

/**
 * Reads all bytes under a signed URL; null when there is no such blob.
 *
 * @throws GodwitError BLOB_STORE_UNAVAILABLE, BLOB_ACCESS_DENIED, BLOB_REQUEST_REFUSED; the signal's reason
 */
export async function readSigned(
  request: SignedRequest,
  options: SignedOptions = {},
): Promise<Uint8Array<ArrayBuffer> | null> {
  const read = async (reply: Response): Promise<Uint8Array<ArrayBuffer> | null> =>
    reply.status === 404 ? null : new Uint8Array(await reply.arrayBuffer());
  return exchange(request, options, read);
}

type Sending = SignedOptions & { readonly body?: Uint8Array<ArrayBuffer> };

function exchange(request: SignedRequest, options: Sending): Promise<Response>;
function exchange<Result>(
  request: SignedRequest,
  options: Sending,
  read: (reply: Response) => Promise<Result>,
): Promise<Result>;
async function exchange(
  { method, url, headers }: SignedRequest,
  { body, signal, fetch = globalThis.fetch }: Sending,
  read: (reply: Response) => Promise<unknown> = (reply) => Promise.resolve(reply),
): Promise<unknown> {
  for (let nth = 1; ; nth++) {
    try {
      const init = { method, headers, ...(body !== undefined && { body }), ...(signal && { signal }) };
      const reply = await fetch(url, init);
      if (reply.ok || (reply.status === 404 && method === "GET")) return await read(reply);
      const text = (await reply.text()).slice(0, 500);
      if (!PASSING.has(reply.status) || nth === TRIES) throw refusal(url, reply.status, text);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof GodwitError || nth === TRIES) throw unavailable(url, error);
    }
    await pause(pauseMs(BACKOFF, nth), signal);
  }
}

/** The address without its signature, which nobody may read in a log. */
function placeOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function refusal(url: string, status: number, text: string): GodwitError {
  const said = `${placeOf(url)} answered ${status}${text === "" ? "" : `: ${text}`}`;
  const code =
    status === 401 || status === 403
      ? "BLOB_ACCESS_DENIED"
      : PASSING.has(status)
        ? "BLOB_STORE_UNAVAILABLE"
        : "BLOB_REQUEST_REFUSED";
  return new GodwitError(code, said, { details: { status } });
}

function unavailable(url: string, error: unknown): GodwitError {
  if (error instanceof GodwitError) return error;
  const message = `${placeOf(url)} cannot be reached: ${reasonOf(error)}`;
  return new GodwitError("BLOB_STORE_UNAVAILABLE", message, { cause: error });
}
