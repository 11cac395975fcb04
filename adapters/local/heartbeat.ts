import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { RunnerHello } from "../../src/core/protocol.ts";

/** What the thread is given. */
export interface HeartbeatOptions {
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly hello: RunnerHello;
}

/** File descriptor of a child on which its supervisor writes renewed tokens, one a line. */
export const SUPERVISOR_FD = 4;

/** What the thread reads of the process it watches; see {@link Shared}. */
export const SHARED_BYTES = 16;

/** Two numbers that the thread can read while the event loop stands still. */
export class Shared {
  /** Counts up for as long as the event loop turns. */
  readonly beats: Int32Array;
  /** When an attempt that is executed here must be over (epoch ms); 0 without a limit. */
  readonly mustEndMs: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.mustEndMs = new Float64Array(buffer, 0, 1);
    this.beats = new Int32Array(buffer, 8, 1);
  }
}

const BEAT_MS = 250;

/**
 * A thread beside user code: while that blocks the event loop, it tells the coordinator that the runner lives, and it
 * ends the process when a time limit passes that nothing else can enforce.
 */
export class Heartbeat {
  readonly #shared: Shared;
  #token: string | undefined;

  constructor(options: HeartbeatOptions) {
    this.#token = options.token;
    const buffer = new SharedArrayBuffer(SHARED_BYTES);
    this.#shared = new Shared(buffer);
    const url = new URL(`./heartbeat-thread${extname(import.meta.url)}`, import.meta.url);
    const thread = new Worker(url, { workerData: { buffer, ...options }, execArgv: [] });
    thread.on("message", (token: string) => {
      this.#token = token;
    });
    thread.unref();
    setInterval(() => Atomics.add(this.#shared.beats, 0, 1), BEAT_MS).unref();
  }

  /**
   * The newest token. The thread gets it first: a task that blocks the event loop for longer than a token lives must
   * not have its runner declared lost.
   */
  get token(): string | undefined {
    return this.#token;
  }

  mustEndAt(endMs: number | null): void {
    this.#shared.mustEndMs[0] = endMs ?? 0;
  }
}
