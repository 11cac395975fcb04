import type { Dialect, Sql, SqlDriver } from "./driver.ts";
import { arrayOf } from "./postgres/bulk.ts";
import { Connection, type ConnectionOptions } from "./postgres/connection.ts";
import { failureOf, isReadOnly, toStoreError } from "./postgres/failure.ts";
import { HintListener, HintSender } from "./postgres/hints.ts";
import { Pool } from "./postgres/pool.ts";
import { BulkPlans, Session } from "./postgres/session.ts";
import { parsePostgresUrl } from "./postgres/url.ts";

export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`. */
  readonly url: string;
  /**
   * Named prepared statements. False behind a pooler in transaction mode, which hands each transaction to another
   * session; the URL may say so too (`?prepare=false`, `?pgbouncer=true`). Default true.
   */
  readonly prepare?: boolean;
  /** Default 10; one more listens for hints. */
  readonly maxConnections?: number;
  /** How long to try to connect, in milliseconds. Default 10 s. */
  readonly connectMs?: number;
  /** How long a transaction waits for a free connection before STORE_BUSY, in milliseconds. Default 30 s. */
  readonly waitMs?: number;
  /** Told what goes wrong without anybody noticing, for a log. */
  readonly onLog?: (message: string) => void;
}

/**
 * PostgreSQL, and what speaks like it (Aurora, Neon, CockroachDB): plain SQL, no extensions, and no state outside
 * transactions, so that any pooler may stand in between.
 */
export async function openPostgres(options: PostgresOptions): Promise<SqlDriver> {
  const { url, label, prepare } = parsePostgresUrl(options.url);
  const connecting: ConnectionOptions = {
    url,
    prepare: options.prepare ?? prepare ?? true,
    connectMs: options.connectMs ?? 10_000,
  };
  try {
    const { connection, version } = await Connection.open(connecting);
    return new PostgresDriver({ ...options, ...connecting, label, first: connection, version });
  } catch (error) {
    throw toStoreError(error, label);
  }
}

// With no statistics yet, or a plan made when the tables were empty, the planner reads whole tables to update a few
// rows. Every statement of the engine goes by key, so the plan it should choose is always the same one.
// The time limit is for processes that freeze inside a transaction (functions do) and would hold locks for hours.
const POSTGRES_SETTINGS = [
  "enable_seqscan = off",
  "enable_hashjoin = off",
  "enable_mergejoin = off",
  "jit = off",
  "idle_in_transaction_session_timeout = 30000",
]
  .map((setting) => `; SET LOCAL ${setting}`)
  .join("");

const WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED";
const READ = `${WRITE} READ ONLY`;

const ATTEMPTS = 6;

const postgresDialect: Dialect = {
  name: "postgres",
  forUpdate: " FOR UPDATE",
  skipLocked: " FOR UPDATE SKIP LOCKED",
  clustered: "",
  // Room on each page for the next version of a row: an update then touches no index.
  updated: " WITH (fillfactor = 70)",
  // Rows come and go; their remains are swept before they slow down who looks for the first one.
  churning:
    " WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)",
  binary: ' COLLATE "C"',
  // The inner cast keeps the client from encoding the list, which is JSON already, once more.
  isOneOf: (column, parameter) =>
    `${column} = ANY (ARRAY(SELECT json_array_elements_text(CAST(CAST($${parameter} AS TEXT) AS JSON))))`,
  // Locks one row until the transaction ends, in words that every kin of PostgreSQL and every pooler understands.
  lockMigrations:
    "INSERT INTO migrations (version, name) VALUES (0, 'lock') ON CONFLICT (version) DO UPDATE SET name = excluded.name",
  hasSingleWriter: false,
};

interface DriverParts extends PostgresOptions, ConnectionOptions {
  readonly label: string;
  readonly first: Connection;
  readonly version: string;
  readonly url: string;
  readonly prepare: boolean;
  readonly connectMs: number;
}

class PostgresDriver implements SqlDriver {
  readonly dialect: Dialect;
  readonly #label: string;
  readonly #pool: Pool;
  readonly #settings: string;
  readonly #plans = new BulkPlans();
  readonly #sender: HintSender;
  readonly #listener: HintListener | null;

  constructor(parts: DriverParts) {
    // Others take the same SQL but not the same settings.
    const isPostgres = parts.version.startsWith("PostgreSQL");
    this.dialect = isPostgres ? postgresDialect : { ...postgresDialect, updated: "", churning: "" };
    this.#settings = isPostgres ? POSTGRES_SETTINGS : "";
    this.#label = parts.label;
    const { maxConnections = 10, waitMs = 30_000, onLog = () => undefined } = parts;
    this.#pool = new Pool({ ...parts, maxConnections, waitMs }, parts.first);
    this.#sender = new HintSender((text, messages) => this.#notify(text, messages));
    // A pooler in transaction mode takes LISTEN and never delivers.
    this.#listener = parts.prepare ? new HintListener({ ...parts, onLog }, this.#sender.id) : null;
  }

  transaction<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.#retry(() => this.#once(work));
  }

  read<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return this.#retry(() => this.#readOnce(work));
  }

  watch(onHint: (topic: string) => void): () => void {
    return this.#listener?.watch(onHint) ?? (() => undefined);
  }

  hint(topic: string): void {
    this.#sender.add(topic);
  }

  async close(): Promise<void> {
    await this.#listener?.stop();
    await this.#sender.stop();
    await this.#pool.close();
  }

  /** Runs again what was certainly rolled back, and had no fault of its own. */
  async #retry<Result>(once: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await once();
      } catch (error) {
        if (!(error instanceof RolledBack)) throw toStoreError(error, this.#label);
        if (attempt === ATTEMPTS) throw toStoreError(error.cause, this.#label);
        await pause(Math.random() * Math.min(10 * 2 ** attempt, 200));
      }
    }
  }

  async #once<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    const connection = await this.#pool.acquire();
    const session = this.#begin(connection, WRITE);
    let result: Result;
    try {
      result = await work(session);
    } catch (error) {
      throw await this.#rollBack(connection, session, error);
    }
    if (session.failure !== undefined) throw await this.#rollBack(connection, session, session.failure.error);
    try {
      await session.end("COMMIT");
    } catch (error) {
      this.#pool.discard(connection);
      if (failureOf(error) === "conflict") throw new RolledBack(error);
      throw error;
    }
    this.#pool.release(connection);
    return result;
  }

  async #readOnce<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    const connection = await this.#pool.acquire();
    const session = this.#begin(connection, READ);
    try {
      const result = await work(session);
      if (session.failure !== undefined) throw session.failure.error;
      // There is nothing to be made durable, so nobody waits for the end.
      if (session.isIdle) session.leave();
      else await session.end("COMMIT");
      this.#pool.release(connection);
      return result;
    } catch (error) {
      const rolledBack = await this.#rollBack(connection, session, error);
      // Here it is the statement that writes, not the server that became a replica.
      throw isReadOnly(error)
        ? new Error("a statement inside `read` tried to write", { cause: error })
        : rolledBack;
    }
  }

  #begin(connection: Connection, begin: string): Session {
    const { dialect } = this;
    return new Session(connection, { dialect, plans: this.#plans, begin: begin + this.#settings });
  }

  /** Gives the error to throw: a {@link RolledBack} when the reason was a collision or the connection. */
  async #rollBack(connection: Connection, session: Session, error: unknown): Promise<unknown> {
    const reason = session.failure?.error ?? error;
    const failure = session.failure === undefined ? "statement" : failureOf(reason);
    try {
      if (failure === "stale") throw reason;
      await session.end("ROLLBACK");
      this.#pool.release(connection);
    } catch {
      this.#pool.discard(connection);
    }
    return failure === "conflict" || failure === "stale" ? new RolledBack(reason) : error;
  }

  async #notify(text: string, messages: readonly string[]): Promise<void> {
    const connection = await this.#pool.acquire();
    try {
      const asynchronous = this.#settings === "" ? "" : "; SET LOCAL synchronous_commit = off";
      const answers = [
        connection.send(`BEGIN${asynchronous}`),
        connection.send(text, [arrayOf(messages)]),
        connection.send("COMMIT"),
      ];
      await Promise.all(answers);
      this.#pool.release(connection);
    } catch (error) {
      this.#pool.discard(connection);
      throw error;
    }
  }
}

/** A transaction that left no trace, by no fault of its own. */
class RolledBack extends Error {
  constructor(cause: unknown) {
    super("the transaction was rolled back", { cause });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
