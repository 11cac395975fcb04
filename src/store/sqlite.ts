import { DatabaseSync } from "node:sqlite";
import { GodwitError } from "../core/errors.ts";
import type { Dialect, Sql, SqlDriver } from "./driver.ts";
import { Mutex } from "./mutex.ts";
import { Connection, sqliteDialect } from "./sqlite/connection.ts";

export interface SqliteOptions {
  /** File path, or `:memory:`. */
  readonly path: string;
  /** `full` (default) survives power loss; `off` is for tests that never lose power. */
  readonly synchronous?: "full" | "off";
  /** How long a transaction waits for another process's transaction before STORE_BUSY. Default 30 s. */
  readonly busyMs?: number;
  /** How often to look for commits of other processes, in milliseconds; 0 never. Default 10. */
  readonly watchMs?: number;
}

/**
 * SQLite through `node:sqlite`: write-ahead log, every commit synced to disk.
 * Several processes may share one file: writers queue for the lock without blocking the event loop for long.
 */
export function openSqlite(options: SqliteOptions): SqlDriver {
  return new SqliteDriver(options);
}

/** Transactions that share one sync at most: enough to make it cheap, few enough to keep the first one's wait short. */
const MAX_GROUP = 64;

/** A transaction that waits for its turn. */
interface Member {
  work(sql: Sql): Promise<unknown>;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

class SqliteDriver implements SqlDriver {
  readonly dialect: Dialect = sqliteDialect;
  readonly #options: SqliteOptions;
  readonly #writer: Connection;
  readonly #reader: Connection | null;
  readonly #mutex = new Mutex();
  readonly #members: Member[] = [];
  readonly #watchers = new Set<(topic: string) => void>();
  #watching: NodeJS.Timeout | undefined;

  constructor(options: SqliteOptions) {
    this.#options = options;
    this.#writer = new Connection(open(options));
    // Readers must not see an open transaction, so they have a connection of their own; a memory database has
    // only one, and its readers queue with the writers.
    this.#reader = options.path === ":memory:" ? null : new Connection(open(options));
  }

  transaction<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.#members.push({ work, resolve: resolve as (result: unknown) => void, reject });
      // Later members join the group that is waiting for the connection.
      if (this.#members.length === 1) void this.#mutex.run(() => this.#commitGroup());
    });
  }

  /**
   * Group commit: transactions that came while another was being synced share the next sync. Each is a savepoint, so
   * that one can fail alone; none is answered before the group is on disk.
   */
  async #commitGroup(): Promise<void> {
    const members = this.#members.splice(0, MAX_GROUP);
    if (this.#members.length > 0) void this.#mutex.run(() => this.#commitGroup());
    const answers: (() => void)[] = [];
    try {
      await this.#begin();
      for (const member of members) answers.push(await this.#runMember(member, members.length > 1));
      this.#writer.exec("COMMIT");
    } catch (error) {
      if (this.#writer.isInTransaction) this.#writer.exec("ROLLBACK");
      for (const { reject } of members) reject(error);
      return;
    }
    for (const answer of answers) answer();
  }

  /** Gives what to tell the member when the group has committed. Throws when the whole group is lost. */
  async #runMember({ work, resolve, reject }: Member, isShared: boolean): Promise<() => void> {
    this.#writer.startMember(isShared);
    try {
      const result = await work(this.#writer);
      // As everywhere else, a failed statement fails its transaction, whoever caught the error.
      this.#writer.throwFailure();
      if (isShared) this.#writer.exec("RELEASE member");
      return () => resolve(result);
    } catch (error) {
      // Some errors (a full disk) end the whole transaction by themselves.
      if (!isShared || !this.#writer.isInTransaction) throw error;
      this.#writer.exec("ROLLBACK TO member; RELEASE member");
      return () => reject(error);
    }
  }

  read<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    const reader = this.#reader;
    return reader === null ? this.#mutex.run(() => work(this.#writer)) : work(reader);
  }

  watch(onHint: (topic: string) => void): () => void {
    this.#watchers.add(onHint);
    this.#startWatching();
    return () => {
      this.#watchers.delete(onHint);
      if (this.#watchers.size === 0) clearInterval(this.#watching);
      if (this.#watchers.size === 0) this.#watching = undefined;
    };
  }

  // Other processes see the commit itself (data_version), so there is nothing to send.
  hint(_topic: string): void {}

  async close(): Promise<void> {
    clearInterval(this.#watching);
    await this.#mutex.run(async () => {
      this.#writer.close();
      this.#reader?.close();
    });
  }

  /** `data_version` changes when any other connection commits; reading it costs about a microsecond. */
  #startWatching(): void {
    const everyMs = this.#options.watchMs ?? 10;
    const reader = this.#reader;
    if (this.#watching !== undefined || everyMs === 0 || reader === null) return;
    let version = reader.dataVersion();
    this.#watching = setInterval(() => {
      const next = reader.dataVersion();
      if (next === version) return;
      version = next;
      for (const watcher of this.#watchers) watcher("*");
    }, everyMs);
    this.#watching.unref();
  }

  // BEGIN IMMEDIATE takes the write lock at once: a transaction that began can only succeed, so this is the one
  // place that meets a busy database, and nothing has to be undone there.
  async #begin(): Promise<void> {
    const busyMs = this.#options.busyMs ?? 30_000;
    const startedMs = performance.now();
    for (let attempt = 0; ; attempt++) {
      try {
        this.#writer.begin();
        return;
      } catch (error) {
        if (!isBusy(error)) throw error;
        if (performance.now() - startedMs > busyMs) {
          throw new GodwitError(
            "STORE_BUSY",
            `the database ${this.#options.path} was locked for ${busyMs} ms`,
            { cause: error },
          );
        }
        await new Promise((resolve) => setTimeout(resolve, Math.min(1 + attempt, 20)));
      }
    }
  }
}

function open(options: SqliteOptions): DatabaseSync {
  const database = new DatabaseSync(options.path);
  // Blocking waits are kept short (they stop the event loop); the rest of the waiting is asynchronous, in #begin.
  database.exec("PRAGMA busy_timeout = 20");
  retryBusy(() => database.exec("PRAGMA journal_mode = WAL"));
  database.exec(`PRAGMA synchronous = ${options.synchronous ?? "full"}`);
  // A checkpoint syncs the whole file; after 16 MB of log instead of 4 it is paid for by four times as many commits.
  database.exec("PRAGMA wal_autocheckpoint = 4000");
  database.exec(
    "PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; PRAGMA mmap_size = 0",
  );
  return database;
}

/** Switching to the log needs the file for itself for a moment; two processes that open it together meet here. */
function retryBusy(work: () => void): void {
  for (let attempt = 0; ; attempt++) {
    try {
      work();
      return;
    } catch (error) {
      if (!isBusy(error) || attempt >= 250) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function isBusy(error: unknown): boolean {
  // 5 = SQLITE_BUSY, 6 = SQLITE_LOCKED; extended codes keep them in the low byte.
  const code = (error as { errcode?: number }).errcode;
  return code !== undefined && ((code & 0xff) === 5 || (code & 0xff) === 6);
}
