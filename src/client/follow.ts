import { GodwitError } from "../core/errors.ts";
import { type Backoff, pause, pauseMs } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import { readEvents, type SourceEvent } from "./event-source.ts";

export interface FollowOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called when a connection was lost, before each try to get another: for a line that says so. */
  readonly onReconnect?: ((error: unknown) => void) | undefined;
}

/** What is followed. */
export interface Followed extends FollowOptions {
  readonly path: string;
  /** Id of the last event that was seen before. */
  readonly after?: string | undefined;
}

const BACKOFF: Backoff = { firstMs: 250, mostMs: 10_000 };
/** The server sends a comment every 15 s; after three of them nobody is there. */
const SILENCE_MS = 45_000;
const FIRST_RETRIES = 2;

/**
 * The events of a stream, over as many connections as it takes. A connection that is lost, silent, or ended by
 * `event: reconnect` is followed by another that goes on after the last event; nothing is lost or given twice. Ends
 * when the server has nothing more (204) or whoever reads stops.
 *
 * @throws GodwitError when the first connection cannot be made, or when the server refuses
 */
export async function* follow(
  connection: Connection,
  { path, after, signal, onReconnect }: Followed,
): AsyncGenerator<SourceEvent, void, void> {
  let lastId = after;
  let failures = 0;
  let isConnected = false;
  for (;;) {
    try {
      const stream = new Stream(connection, {
        path,
        lastId,
        signal,
        retries: isConnected ? 0 : FIRST_RETRIES,
      });
      for await (const event of stream.events()) {
        isConnected = true;
        failures = 0;
        if (event === null) continue;
        if (event.event === "reconnect") break;
        lastId = event.id ?? lastId;
        yield event;
      }
      if (stream.isOver) return;
    } catch (error) {
      signal?.throwIfAborted();
      const isTransient = !(error instanceof GodwitError) || error.retryable;
      if (!isConnected || !isTransient) throw error;
      onReconnect?.(error);
      await pause(pauseMs(BACKOFF, ++failures), signal);
    }
  }
}

interface StreamOptions {
  readonly path: string;
  readonly lastId: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly retries: number;
}

/** One connection. */
class Stream {
  readonly #connection: Connection;
  readonly #options: StreamOptions;
  /** The server said that there is nothing more. */
  isOver = false;

  constructor(connection: Connection, options: StreamOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Its events; null for a sign of life. Throws when the connection is lost. */
  async *events(): AsyncGenerator<SourceEvent | null, void, void> {
    const { path, lastId, signal, retries } = this.#options;
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(signal?.reason);
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    const onSilence = (): void => stop.abort(new Error("the connection is silent"));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const listen = (): void => {
      clearTimeout(timer);
      timer = setTimeout(onSilence, SILENCE_MS);
    };
    try {
      const headers = {
        Accept: "text/event-stream",
        ...(lastId !== undefined && { "Last-Event-ID": lastId }),
      };
      listen();
      const reply = await this.#connection.open({
        method: "GET",
        path,
        headers,
        signal: stop.signal,
        retries,
      });
      this.isOver = reply.status === 204 || reply.body === null;
      if (reply.body === null || this.isOver) return;
      yield null;
      for await (const event of readEvents(reply.body)) {
        listen();
        yield event;
      }
      throw new Error("the stream ended");
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      stop.abort();
    }
  }
}
