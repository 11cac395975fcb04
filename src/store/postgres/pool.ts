import { GodwitError } from "../../core/errors.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";

const IDLE_MS = 60_000;
/** After a failover, names point elsewhere; no connection stays with the old server for ever. */
const LIFETIME_MS = 30 * 60_000;

export interface PoolOptions extends ConnectionOptions {
  readonly label: string;
  readonly maxConnections: number;
  /** How long a caller waits for a connection to become free. */
  readonly waitMs: number;
}

interface Waiting {
  readonly give: (connection: Connection) => void;
  readonly fail: (error: unknown) => void;
}

/** Connections, each for one user at a time; the one used last is given out first, so that surplus ones can end. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #idle: { readonly connection: Connection; readonly timer: NodeJS.Timeout }[] = [];
  readonly #waiting: Waiting[] = [];
  #open = 0;
  #isClosed = false;
  #onEmpty: (() => void) | undefined;

  /** @param first a connection that was made already, to see whether the server answers */
  constructor(options: PoolOptions, first: Connection) {
    this.#options = options;
    this.#open = 1;
    this.release(first);
  }

  async acquire(): Promise<Connection> {
    if (this.#isClosed) throw new GodwitError("STORE_UNAVAILABLE", "the database was closed by this process");
    for (let entry = this.#idle.pop(); entry !== undefined; entry = this.#idle.pop()) {
      clearTimeout(entry.timer);
      if (!entry.connection.isLost) return entry.connection;
      this.discard(entry.connection);
    }
    return this.#open < this.#options.maxConnections ? this.#connect() : this.#wait();
  }

  /** Takes a connection back. Statements may still be under way on it; the next user's are executed after them. */
  release(connection: Connection): void {
    const isOld = performance.now() - connection.openedMs > LIFETIME_MS;
    if (connection.isLost || isOld || this.#isClosed) return this.discard(connection);
    const next = this.#waiting.shift();
    if (next !== undefined) return next.give(connection);
    const timer = setTimeout(() => {
      this.#idle.splice(
        this.#idle.findIndex((entry) => entry.connection === connection),
        1,
      );
      this.discard(connection);
    }, IDLE_MS);
    timer.unref();
    this.#idle.push({ connection, timer });
  }

  /** Ends a connection that nobody should use again. */
  discard(connection: Connection): void {
    // Ending waits for the socket; nobody needs to wait with it, and a socket that is gone has nothing to say.
    connection.close().catch(() => undefined);
    this.#forget();
  }

  /** Ends idle connections now and the others when they are given back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const waiting of this.#waiting.splice(0))
      waiting.fail(new GodwitError("STORE_UNAVAILABLE", "the database was closed by this process"));
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const { connection, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      await connection.close();
      this.#forget();
    }
    if (this.#open > 0) await empty;
  }

  async #connect(): Promise<Connection> {
    this.#open += 1;
    try {
      return (await Connection.open(this.#options)).connection;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  #forget(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#onEmpty?.();
    const next = this.#isClosed ? undefined : this.#waiting.shift();
    // Whoever waits for a connection gets the one that may be opened instead.
    if (next !== undefined) this.#connect().then(next.give, next.fail);
  }

  #wait(): Promise<Connection> {
    const { label, maxConnections, waitMs } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        const message = `all ${maxConnections} connections to ${label} were in use for ${waitMs} ms`;
        reject(new GodwitError("STORE_BUSY", message));
      }, waitMs);
      const waiting: Waiting = {
        give: (connection) => {
          clearTimeout(timer);
          resolve(connection);
        },
        fail: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#waiting.push(waiting);
    });
  }
}
