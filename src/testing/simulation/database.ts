import { LEGAL_TRANSITIONS, type Phase } from "../../core/phase.ts";
import type { BulkStatement, Sql, SqlDriver, SqlRow, SqlValue } from "../../store/driver.ts";
import { migrate } from "../../store/migrate.ts";
import { openSqlite } from "../../store/sqlite.ts";

/** Something the database itself saw, in the order of the commits. */
export interface Entry {
  readonly kind: "insert" | "lease" | "settle" | "failure" | "violation";
  readonly run_id: string;
  readonly action_id: string;
  /** Settle: phase; lease: runner; violation: what was broken. */
  readonly detail: string;
  /** Token of the lease that was given, or that was current when the action settled. */
  readonly token: string | null;
  readonly result: string | null;
}

const moves = Object.entries(LEGAL_TRANSITIONS).flatMap(([from, targets]) =>
  targets.map((to: Phase) => `'${from}>${to}'`),
);
// A condition is inserted before it waits, and one transaction may take an action through the queue and further.
const more = [
  "waiting>paused",
  "waiting>recovered",
  "waiting>running",
  "suspended>running",
  "suspended>waiting",
];
const legal = [...moves, ...more.map((one) => `'${one}'`)].join(", ");

/** Triggers note what must never happen, and what the checks afterwards need. They see every write, whoever makes it. */
const WATCH = [
  `CREATE TABLE ledger (
     nth INTEGER PRIMARY KEY, kind TEXT, run_id TEXT, action_id TEXT, detail TEXT, token TEXT, result TEXT)`,
  `CREATE TRIGGER once BEFORE UPDATE ON actions
   WHEN OLD.ended_ms IS NOT NULL AND (OLD.phase, OLD.result, OLD.seq, OLD.ended_ms) IS NOT (NEW.phase, NEW.result, NEW.seq, NEW.ended_ms)
   BEGIN INSERT INTO ledger VALUES (NULL, 'violation', OLD.run_id, OLD.id,
     'a settled outcome changed: ' || OLD.phase || ' to ' || NEW.phase, NULL, NEW.result); END`,
  `CREATE TRIGGER legal BEFORE UPDATE OF phase ON actions
   WHEN OLD.phase <> NEW.phase AND OLD.phase || '>' || NEW.phase NOT IN (${legal})
   BEGIN INSERT INTO ledger VALUES (NULL, 'violation', OLD.run_id, OLD.id,
     'illegal transition ' || OLD.phase || ' to ' || NEW.phase, NULL, NULL); END`,
  `CREATE TRIGGER run_once BEFORE UPDATE ON runs
   WHEN OLD.ended_ms IS NOT NULL AND (OLD.phase, OLD.ended_ms) IS NOT (NEW.phase, NEW.ended_ms)
   BEGIN INSERT INTO ledger VALUES (NULL, 'violation', OLD.id, '',
     'an ended run changed: ' || OLD.phase || ' to ' || NEW.phase, NULL, NULL); END`,
  `CREATE TRIGGER called AFTER INSERT ON actions
   BEGIN INSERT INTO ledger VALUES (NULL, 'insert', NEW.run_id, NEW.id, NEW.phase, NULL, NULL); END`,
  `CREATE TRIGGER leased AFTER INSERT ON leases
   BEGIN INSERT INTO ledger VALUES (NULL, 'lease', NEW.run_id, NEW.action_id, NEW.runner_id, NEW.token, NULL); END`,
  `CREATE TRIGGER leased_active AFTER INSERT ON leases
   WHEN (SELECT phase FROM actions WHERE run_id = NEW.run_id AND id = NEW.action_id) IS NOT 'running'
   BEGIN INSERT INTO ledger VALUES (NULL, 'violation', NEW.run_id, NEW.action_id,
     'leased while not running', NEW.token, NULL); END`,
  `CREATE TRIGGER failed AFTER INSERT ON attempts
   BEGIN INSERT INTO ledger VALUES (NULL, 'failure', NEW.run_id, NEW.action_id, NEW.end_kind, NULL, NEW.error); END`,
  `CREATE TRIGGER settled AFTER UPDATE OF ended_ms ON actions WHEN OLD.ended_ms IS NULL AND NEW.ended_ms IS NOT NULL
   BEGIN INSERT INTO ledger VALUES (NULL, 'settle', NEW.run_id, NEW.id, NEW.phase,
     (SELECT token FROM leases WHERE run_id = NEW.run_id AND action_id = NEW.id), NEW.result); END`,
];

/** Changes SQL on its way to the database: how a test breaks a rule on purpose. */
export type Rewrite = (text: string) => string;

/** One database for many simulations: opening it costs more than emptying it. */
export class SimulatedDatabase {
  readonly driver: SqlDriver;
  #tables: string[] = [];

  private constructor(driver: SqlDriver) {
    this.driver = driver;
  }

  static async open(): Promise<SimulatedDatabase> {
    const database = new SimulatedDatabase(openSqlite({ path: ":memory:", synchronous: "off", watchMs: 0 }));
    await migrate(database.driver);
    await database.driver.transaction(async (sql) => {
      for (const statement of WATCH) await sql.run(statement);
      const tables = await sql.all<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'");
      database.#tables = tables.map(({ name }) => name).filter((name) => name !== "migrations");
    });
    return database;
  }

  async wipe(): Promise<void> {
    await this.driver.transaction(async (sql) => {
      for (const table of this.#tables) await sql.run(`DELETE FROM ${table}`);
    });
  }

  ledger(): Promise<Entry[]> {
    return this.driver.read((sql) => sql.all<Entry>("SELECT * FROM ledger ORDER BY nth"));
  }

  close(): Promise<void> {
    return this.driver.close();
  }
}

/** What may happen to a statement or a commit on its way. */
export interface Disturbance {
  /** Before each statement; throws to fail it. `isWrite`: inside a transaction. */
  onStatement(isInTransaction: boolean): void;
  /** Before a transaction or a read outside one begins: lets others go first. */
  gate(): Promise<void>;
  onCommitted(): void;
}

/**
 * The database as one coordinator reaches it. Between its transactions, and between the statements of its reads, others
 * may commit, as with readers that have no snapshot of their own.
 */
export function disturbed(
  driver: SqlDriver,
  disturbance: Disturbance,
  options: { readonly rewrite: Rewrite | null; readonly hasSingleWriter: boolean },
): SqlDriver {
  const dialect = { ...driver.dialect, hasSingleWriter: options.hasSingleWriter };
  const wrap = (sql: Sql): Sql => new DisturbedSql(sql, disturbance, options.rewrite);
  const reads: Sql = {
    dialect,
    all: (text, ...parameters) => alone((sql) => sql.all(text, ...parameters)),
    run: (text, ...parameters) => alone((sql) => sql.run(text, ...parameters)),
    bulk: (statement, rows) => alone((sql) => sql.bulk(statement, rows)),
    bulkAll: (statement, rows) => alone((sql) => sql.bulkAll(statement, rows)),
  };
  const alone = async <Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> => {
    await disturbance.gate();
    return driver.read((sql) => {
      disturbance.onStatement(false);
      return work(rewritten(sql, options.rewrite));
    });
  };
  return {
    dialect,
    transaction: async (work) => {
      await disturbance.gate();
      const result = await driver.transaction((sql) => work(wrap(sql)));
      disturbance.onCommitted();
      return result;
    },
    read: (work) => work(reads),
    watch: () => () => undefined,
    hint: () => undefined,
    close: async () => undefined,
  };
}

function rewritten(sql: Sql, rewrite: Rewrite | null): Sql {
  return rewrite === null ? sql : new DisturbedSql(sql, null, rewrite);
}

const bulkRewrites = new WeakMap<Rewrite, Map<BulkStatement, BulkStatement>>();

class DisturbedSql implements Sql {
  readonly dialect: Sql["dialect"];
  readonly #sql: Sql;
  readonly #disturbance: Disturbance | null;
  readonly #rewrite: Rewrite | null;

  constructor(sql: Sql, disturbance: Disturbance | null, rewrite: Rewrite | null) {
    this.#sql = sql;
    this.dialect = sql.dialect;
    this.#disturbance = disturbance;
    this.#rewrite = rewrite;
  }

  async all<Row extends object = SqlRow>(text: string, ...parameters: SqlValue[]): Promise<Row[]> {
    this.#disturbance?.onStatement(true);
    return this.#sql.all<Row>(this.#text(text), ...parameters);
  }

  async run(text: string, ...parameters: SqlValue[]): Promise<number> {
    this.#disturbance?.onStatement(true);
    return this.#sql.run(this.#text(text), ...parameters);
  }

  async bulk(statement: BulkStatement, rows: readonly SqlRow[]): Promise<boolean[]> {
    this.#disturbance?.onStatement(true);
    return this.#sql.bulk(this.#bulk(statement), rows);
  }

  async bulkAll<Row extends object>(statement: BulkStatement, rows: readonly SqlRow[]): Promise<Row[]> {
    this.#disturbance?.onStatement(true);
    return this.#sql.bulkAll<Row>(this.#bulk(statement), rows);
  }

  #text(text: string): string {
    return this.#rewrite === null ? text : this.#rewrite(text);
  }

  /** Statements are prepared once per object, so a rewritten one must stay the same object too. */
  #bulk(statement: BulkStatement): BulkStatement {
    const rewrite = this.#rewrite;
    if (rewrite === null) return statement;
    const known = bulkRewrites.get(rewrite) ?? new Map<BulkStatement, BulkStatement>();
    bulkRewrites.set(rewrite, known);
    const found = known.get(statement);
    if (found !== undefined) return found;
    const text = (rows: string): string => rewrite(statement.text(rows));
    const made = { ...statement, text };
    known.set(statement, made);
    return made;
  }
}
