import { type Connection, readJson } from "./connection.ts";

/** What every method takes last. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A POST is sent with a key, so that it can be repeated. Default: a new one for each call. */
export interface PostOptions extends CallOptions {
  readonly idempotencyKey?: string | undefined;
}

/** How long the coordinator may hold the request, such as `20s` or a number of milliseconds. */
export interface WaitOptions extends CallOptions {
  readonly wait?: string | number | undefined;
}

const RETRIES = 3;

/** Sends JSON and reads JSON, over one connection. */
export class Requests {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get<Body>(path: string, options?: CallOptions): Promise<Body> {
    return this.send("GET", path, { ...options });
  }

  delete(path: string, options: CallOptions = {}): Promise<void> {
    const call = { method: "DELETE", path, retries: 0, ...options } as const;
    return this.#connection.send(call, () => Promise.resolve());
  }

  /** @param body any JSON; undefined sends none */
  post<Body>(path: string, body: unknown, { idempotencyKey, signal }: PostOptions): Promise<Body> {
    const key = { "Idempotency-Key": idempotencyKey ?? crypto.randomUUID() };
    return this.send("POST", path, { body, headers: key, signal });
  }

  send<Body>(
    method: "GET" | "POST" | "PUT",
    path: string,
    {
      body,
      headers,
      signal,
    }: CallOptions & { readonly body?: unknown; readonly headers?: Record<string, string> },
  ): Promise<Body> {
    const json = body === undefined ? {} : { "Content-Type": "application/json" };
    const text = body === undefined ? undefined : JSON.stringify(body);
    return this.#connection.send(
      { method, path, body: text, headers: { ...json, ...headers }, signal, retries: RETRIES },
      readJson<Body>,
    );
  }
}
