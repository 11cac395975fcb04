/**
 * The port between Godwit's SQL and a database: a few verbs, implemented once per database.
 * Every statement is written once, in the SQL that SQLite and PostgreSQL share; what differs is data in {@link Dialect}.
 */

export type SqlValue = string | number | null;
export type SqlRow = Record<string, SqlValue>;

/** The differences between databases, as text that statements splice in. */
export interface Dialect {
  readonly name: string;
  /** Suffix that locks selected rows until the transaction ends. */
  readonly forUpdate: string;
  /** The same, leaving out rows that another transaction holds. */
  readonly skipLocked: string;
  /** Suffix of CREATE TABLE for a table that is stored in primary-key order. */
  readonly clustered: string;
  /** Suffix of CREATE TABLE for a table whose rows are updated often. */
  readonly updated: string;
  /** Suffix of CREATE TABLE for a small table whose rows come and go all the time. */
  readonly churning: string;
  /** Suffix of a text column that is compared byte by byte. */
  readonly binary: string;
  /** `column IN (list)`, where the list is parameter `$n`, given as a JSON array of strings. */
  isOneOf(column: string, parameter: number): string;
  /** Statement that lets one process at a time migrate. */
  readonly lockMigrations: string;
  /** True when one writer at a time is all the database allows: then one large transaction beats two small ones. */
  readonly hasSingleWriter: boolean;
}

export type ColumnType = "text" | "int" | "real";

/** One statement that is applied to many rows of parameters. */
export interface BulkStatement {
  /** Columns of the parameter rows, available in the SQL as `r.<name>`. */
  readonly columns: Readonly<Record<string, ColumnType>>;
  /**
   * Columns of the affected table that identify a row, by the name they have in `columns` (PostgreSQL returns them).
   * Without a key, nobody learns which rows had an effect, and no two rows may be about the same row of the table.
   */
  readonly key?: readonly string[];
  /** The statement; `rows` stands for a FROM item with alias `r`. */
  text(rows: string): string;
}

/** Statements inside a transaction, or reads outside one. Parameters are `$1`, `$2` … */
export interface Sql {
  readonly dialect: Dialect;
  all<Row extends object = SqlRow>(text: string, ...parameters: SqlValue[]): Promise<Row[]>;
  /** Runs a statement; gives the number of rows it changed. */
  run(text: string, ...parameters: SqlValue[]): Promise<number>;
  /** Applies a statement to every row, in one round trip where there are round trips; tells which rows had an effect (with a `key`). */
  bulk(statement: BulkStatement, rows: readonly SqlRow[]): Promise<boolean[]>;
  /** The same for a SELECT: all result rows, in no particular order. */
  bulkAll<Row extends object>(statement: BulkStatement, rows: readonly SqlRow[]): Promise<Row[]>;
}

/** A database. Open transactions see their own writes; `read` sees only what is committed. */
export interface SqlDriver {
  readonly dialect: Dialect;
  /** Runs `work` in a transaction that is durable when the promise resolves; an error rolls all of it back. */
  transaction<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>;
  read<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>;
  /**
   * Calls `onHint` soon after another process may have committed something of interest. Only a hint: hints may be
   * late, lost or needless. Returns what stops it.
   */
  watch(onHint: (topic: string) => void): () => void;
  /** Tells other processes that they may want to look; carried by the database where it can. */
  hint(topic: string): void;
  close(): Promise<void>;
}

/** First row or undefined. */
export async function first<Row extends object>(rows: Promise<Row[]>): Promise<Row | undefined> {
  return (await rows)[0];
}
