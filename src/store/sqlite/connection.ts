import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { BulkStatement, Dialect, Sql, SqlRow, SqlValue } from "../driver.ts";
import { place } from "./placeholders.ts";

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
  readonly #statements = new Map<string, Plan>();
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
    return Number(this.#prepare("PRAGMA data_version").statement.get()?.data_version);
  }

  all<Row extends object>(text: string, ...parameters: SqlValue[]): Promise<Row[]> {
    return this.#execute(() => {
      const { statement, order } = this.#prepare(text);
      return statement.all(...order.map((at) => bound(parameters[at]))) as Row[];
    });
  }

  run(text: string, ...parameters: SqlValue[]): Promise<number> {
    return this.#execute(() => {
      const { statement, order } = this.#prepare(text);
      return Number(statement.run(...order.map((at) => bound(parameters[at]))).changes);
    });
  }

  bulk(statement: BulkStatement, rows: readonly SqlRow[]): Promise<boolean[]> {
    return this.#execute(() => {
      const plan = this.#plan(statement);
      return rows.map(
        (row) => Number(plan.statement.run(...plan.names.map((name) => bound(row[name]))).changes) > 0,
      );
    });
  }

  bulkAll<Row extends object>(statement: BulkStatement, rows: readonly SqlRow[]): Promise<Row[]> {
    return this.#execute(() => {
      const plan = this.#plan(statement);
      const found: Row[] = [];
      for (const row of rows) {
        for (const item of plan.statement.all(...plan.names.map((name) => bound(row[name]))))
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
    const { text, order } = place(statement.text(row));
    const plan = { names: order.map((at) => names[at] ?? ""), statement: this.#database.prepare(text) };
    this.#bulk.set(statement, plan);
    return plan;
  }

  #prepare(text: string): Plan {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const placed = place(text);
    const plan = { order: placed.order, statement: this.#database.prepare(placed.text) };
    this.#statements.set(text, plan);
    return plan;
  }
}

/** Node 22 reads a text up to its first NUL, and PostgreSQL has none: so it is the same mark on every database. */
function bound(value: SqlValue | undefined): SqlValue {
  if (typeof value === "string" && value.includes("\0")) return value.replaceAll("\0", "\uFFFD");
  return value as SqlValue;
}

interface Plan {
  /** The parameter for each place. */
  readonly order: readonly number[];
  readonly statement: StatementSync;
}

interface BulkPlan {
  /** The column for each place. */
  readonly names: readonly string[];
  readonly statement: StatementSync;
}
