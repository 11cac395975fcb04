import { GodwitError } from "../core/errors.ts";
import { askedPauseMs, type Backoff, pause, pauseMs } from "./backoff.ts";
import { readProblem, reasonOf, unreachable } from "./problem.ts";

/** Where the coordinator is, and how to reach it. */
export interface ConnectionOptions {
  /** @example "https://godwit.example.com" */
  readonly endpoint: string;
  /** An API key, or a runner's token; a function is asked for each request, for tokens that are renewed. */
  readonly token?: string | (() => string | undefined) | undefined;
  /** Sent with each request, as they are then. Default: none. */
  readonly headers?: (() => Readonly<Record<string, string>>) | undefined;
  /** Default: the platform's. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** One request. */
export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** How often it is repeated when the connection or the server fails. */
  readonly retries: number;
  /** How long one try may take; absent: for ever. */
  readonly timeoutMs?: number | undefined;
  /** The signal is needed for longer than the request takes. */
  readonly isOpen?: boolean;
}

const BACKOFF: Backoff = { firstMs: 100, mostMs: 5_000 };

/** Sends requests to one coordinator, each of which may be sent again. */
export class Connection {
  readonly endpoint: string;
  readonly #token: () => string | undefined;
  readonly #headers: () => Readonly<Record<string, string>>;
  readonly fetch: typeof globalThis.fetch;

  constructor({ endpoint, token, headers, fetch }: ConnectionOptions) {
    this.endpoint = endpoint.replace(/\/+$/, "");
    this.#token = typeof token === "function" ? token : () => token;
    this.#headers = headers ?? (() => ({}));
    // Looked up when it is used, and called without `this`, as browsers insist.
    this.fetch = fetch ?? ((...request) => globalThis.fetch(...request));
  }

  /**
   * What `read` makes of the reply. A try that fails on the way, reading included, is repeated.
   *
   * @throws GodwitError by the code the coordinator answered; ENDPOINT_UNREACHABLE; the signal's reason
   */
  async send<Result>(call: Call, read: (reply: Response) => Promise<Result>): Promise<Result> {
    for (let nth = 1; ; nth++) {
      const result = await this.#try(call, read);
      if ("value" in result) return result.value;
      call.signal?.throwIfAborted();
      if (!result.isTransient || nth > call.retries) throw result.error;
      await pause(Math.max(pauseMs(BACKOFF, nth), result.pauseMs), call.signal);
    }
  }

  /** The reply of a request whose body goes on for long; its signal ends that too. */
  open(call: Call & { readonly signal: AbortSignal }): Promise<Response> {
    return this.send({ ...call, isOpen: true }, (reply) => Promise.resolve(reply));
  }

  async #try<Result>(
    call: Call,
    read: (reply: Response) => Promise<Result>,
  ): Promise<{ readonly value: Result } | Failure> {
    const attempt = new Attempt(call);
    try {
      const reply = await this.#request(call, call.isOpen === true ? call.signal : attempt.signal);
      if (reply.status < 400) return { value: await read(reply) };
      const error = await readProblem(reply, this.endpoint + call.path);
      const isTransient =
        reply.status >= 500 || reply.status === 429 || error.code === "IDEMPOTENCY_IN_PROGRESS";
      return { error, isTransient, pauseMs: askedPauseMs(reply) };
    } catch (error) {
      if (error instanceof GodwitError) return { error, isTransient: false, pauseMs: 0 };
      const reason = attempt.isTimedOut ? "it does not answer" : reasonOf(error);
      return {
        error: unreachable(`${this.endpoint} cannot be reached: ${reason}`, error),
        isTransient: true,
        pauseMs: 0,
      };
    } finally {
      attempt.end();
    }
  }

  #request({ method, path, body, headers }: Call, signal: AbortSignal | undefined): Promise<Response> {
    const token = this.#token();
    return this.fetch(this.endpoint + path, {
      method,
      headers: {
        ...this.#headers(),
        ...headers,
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body }),
      ...(signal !== undefined && { signal }),
    });
  }
}

interface Failure {
  readonly error: GodwitError;
  readonly isTransient: boolean;
  readonly pauseMs: number;
}

/** One try: it ends when the caller's signal fires, or when its time is up. */
class Attempt {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  isTimedOut = false;

  constructor({ signal, timeoutMs }: Call) {
    this.#outer = signal;
    if (signal?.aborted === true) this.#onAbort();
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (timeoutMs === undefined) return;
    this.#timer = setTimeout(() => {
      this.isTimedOut = true;
      this.#controller.abort();
    }, timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#onAbort);
  }

  readonly #onAbort = (): void => this.#controller.abort(this.#outer?.reason);
}

/** The JSON of a reply. @throws GodwitError when somebody else answered */
export async function readJson<Body>(reply: Response): Promise<Body> {
  const text = await reply.text();
  try {
    return JSON.parse(text) as Body;
  } catch (error) {
    throw unreachable(
      `${reply.url} answered something that is not JSON: ${text.slice(0, 100)}`,
      error,
      false,
    );
  }
}
