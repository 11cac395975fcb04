/** Server-sent events: text that a browser's EventSource and the client read. */
import { invalidRequest } from "./problem.ts";

/** One event. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: unknown;
  /** What a reader sends as `Last-Event-ID` to go on after it. */
  readonly id?: string;
}

/** The text of one event. */
export function writeEvent({ event, data, id }: ServerSentEvent): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A comment: keeps proxies from closing a quiet connection. */
export const BEAT = ": beat\n\n";

/** How long a reader waits before it connects again. */
const RETRY = "retry: 3000\n\n";

/** Tells a reader to connect again, before the platform cuts the connection. */
const RECONNECT = writeEvent({ event: "reconnect", data: {} });

export interface StreamOptions {
  /** After this long the stream ends with `event: reconnect`. */
  readonly maxMs: number | null;
  readonly after: (delayMs: number, run: () => void) => () => void;
}

/**
 * The reply that streams `chunks`. They are made as fast as the reader takes them, and the signal they are given
 * fires when the reader goes away or the time is up.
 */
export function streamEvents(
  chunks: (signal: AbortSignal) => AsyncIterable<string>,
  options: StreamOptions,
): Response {
  const stop = new AbortController();
  const isTimeUp = { value: false };
  const endTime = (): void => {
    isTimeUp.value = true;
    stop.abort();
  };
  const cancelTimer = options.maxMs === null ? (): void => undefined : options.after(options.maxMs, endTime);
  const source = withFrame(chunks(stop.signal), isTimeUp);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await source.next();
      if (!done) return controller.enqueue(encoder.encode(value));
      cancelTimer();
      controller.close();
    },
    cancel() {
      cancelTimer();
      stop.abort();
    },
  });
  return new Response(body, { headers: HEADERS });
}

async function* withFrame(
  chunks: AsyncIterable<string>,
  isTimeUp: { value: boolean },
): AsyncGenerator<string> {
  yield RETRY;
  yield* chunks;
  if (isTimeUp.value) yield RECONNECT;
}

const HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store",
  "X-Accel-Buffering": "no",
};

/** Whether a request asks for a stream. */
export function wantsStream(accept: string | undefined): boolean {
  return accept?.includes("text/event-stream") === true;
}

/** The number of the last event that a reader has seen, from its `Last-Event-ID`. @throws GodwitError INVALID_REQUEST */
export function lastSeen(header: string | undefined): number | undefined {
  if (header === undefined || header === "") return undefined;
  if (!/^\d{1,15}$/.test(header))
    throw invalidRequest("`Last-Event-ID` is the id of an event: a whole number");
  return Number(header);
}
