import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { BulkStatement, Dialect, Sql, SqlRow, SqlValue } from "../driver.ts";

/** What SQLite has of its own. */
export const sqliteDialect: Dialect = {
  name: "sqlite",
  forUpdate: "",
  skipLocked: "",
  clustered: " WITHOUT ROWID",
  updated: "",
  churning: "",
  binary: "",
  isOneOf: (column, parameter) => `${column} IN (SELECT value FROM json_each($${parameter}))`,
  // The transaction holds the only write lock already.
  lockMigrations: "SELECT 1",
  hasSingleWriter: true,
};

/** A connection whose statements are prepared once. */
export class Connection implements Sql {
  readonly dialect: Dialect = sqliteDialect;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #bulk = new Map<BulkStatement, BulkPlan>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** First statement that failed since the transaction began. */
  #failure: { readonly error: unknown } | undefined;

  begin(): void {
    this.#database.exec("BEGIN IMMEDIATE");
  }

  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  exec(text: string): void {
    this.#database.exec(text);
  }

  close(): void {
    this.#statements.clear();
    this.#bulk.clear();
    this.#database.close();
  }

  startMember(isShared: boolean): void {
    this.#failure = undefined;
    if (isShared) this.exec("SAVEPOINT member");
  }

  /** Throws what failed since the member started, if anything did. */
  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  dataVersion(): number {
    return Number(this.#prepare("PRAGMA data_version").get()?.data_version);
  }

  all<Row extends object>(text: string, ...parameters: SqlValue[]): Promise<Row[]> {
    return this.#execute(() => this.#prepare(text).all(...parameters) as Row[]);
  }

  run(text: string, ...parameters: SqlValue[]): Promise<number> {
    return this.#execute(() => Number(this.#prepare(text).run(...parameters).changes));
  }

  bulk(statement: BulkStatement, rows: readonly SqlRow[]): Promise<boolean[]> {
    return this.#execute(() => {
      const plan = this.#plan(statement);
      return rows.map(
        (row) => Number(plan.statement.run(...plan.names.map((name) => row[name] as SqlValue)).changes) > 0,
      );
    });
  }

  bulkAll<Row extends object>(statement: BulkStatement, rows: readonly SqlRow[]): Promise<Row[]> {
    return this.#execute(() => {
      const plan = this.#plan(statement);
      const found: Row[] = [];
      for (const row of rows) {
        for (const item of plan.statement.all(...plan.names.map((name) => row[name] as SqlValue)))
          found.push(item as Row);
      }
      return found;
    });
  }

  async #execute<Result>(work: () => Result): Promise<Result> {
    try {
      return work();
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }

  #plan(statement: BulkStatement): BulkPlan {
    const known = this.#bulk.get(statement);
    if (known !== undefined) return known;
    const names = Object.keys(statement.columns);
    const row = `(SELECT ${names.map((name, i) => `?${i + 1} AS ${name}`).join(", ")}) AS r`;
    const plan = { names, statement: this.#database.prepare(statement.text(row)) };
    this.#bulk.set(statement, plan);
    return plan;
  }

  #prepare(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(text.replaceAll(/\$(\d+)/g, "?$1"));
    this.#statements.set(text, statement);
    return statement;
  }
}

interface BulkPlan {
  readonly names: readonly string[];
  readonly statement: StatementSync;
}
