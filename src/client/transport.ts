import type {
  ExchangeReply,
  ExchangeRequest,
  JournalEntry,
  JournalRequest,
  Transport,
} from "../core/protocol.ts";
import { Connection, type ConnectionOptions, readJson } from "./connection.ts";

export interface TransportOptions extends ConnectionOptions {
  /**
   * Bodies from this many characters on are compressed. That costs both sides together about 9 ms per MiB and saves
   * nine tenths of it: it pays on links below some 800 Mbit/s, and wherever bytes that leave a cloud are paid for.
   * Default 64 Ki, or `Infinity` (never) for a coordinator on this machine.
   */
  readonly compressFrom?: number | undefined;
}

const COMPRESS_FROM = 64 * 1024;
/** A coordinator that has not answered by then will not: the connection is dead. */
const PATIENCE_MS = 30_000;

/**
 * The runner protocol over HTTP. A request that fails on the way is sent again, as it is, until the signal fires: the
 * coordinator answers a repeated request like the first.
 *
 * @example const transport = httpTransport({ endpoint: "https://godwit.example.com", token });
 * @throws GodwitError UNAUTHENTICATED, FORBIDDEN or INVALID_REQUEST, which no repetition repairs
 */
export function httpTransport(options: TransportOptions): Transport {
  const connection = new Connection(options);
  const compressFrom =
    options.compressFrom ?? (isHere(connection.endpoint) ? Number.POSITIVE_INFINITY : COMPRESS_FROM);
  const post = async <Reply>(path: string, request: unknown, more: Waiting): Promise<Reply> => {
    const { body, headers } = await encode(JSON.stringify(request), compressFrom);
    const timeoutMs = (more.waitMs ?? 0) + PATIENCE_MS;
    const { signal } = more;
    return connection.send(
      { method: "POST", path, body, headers, signal, retries: Number.POSITIVE_INFINITY, timeoutMs },
      readJson<Reply>,
    );
  };
  return {
    exchange: (request: ExchangeRequest, signal?: AbortSignal): Promise<ExchangeReply> =>
      post(`/internal/v1/${request.channel}`, request, { signal, waitMs: request.waitMs }),
    journal: (request: JournalRequest, signal?: AbortSignal): Promise<readonly JournalEntry[]> =>
      post("/internal/v1/journal", request, { signal }),
  };
}

interface Waiting {
  readonly signal?: AbortSignal | undefined;
  readonly waitMs?: number | undefined;
}

interface Encoded {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

const JSON_BODY = { "Content-Type": "application/json" };

async function encode(text: string, compressFrom: number): Promise<Encoded> {
  if (text.length < compressFrom) return { body: text, headers: JSON_BODY };
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  const body = new Uint8Array(await new Response(stream).arrayBuffer());
  return { body, headers: { ...JSON_BODY, "Content-Encoding": "gzip" } };
}

function isHere(endpoint: string): boolean {
  return /^https?:\/\/(localhost|127\.|\[::1\])/.test(endpoint);
}
