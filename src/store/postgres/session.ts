import type { BulkStatement, Dialect, Sql, SqlRow, SqlValue } from "../driver.ts";
import { arraysOf, type BulkPlan, batchesOf, keyOf, planBulk, withoutNul } from "./bulk.ts";
import type { Connection, Rows } from "./connection.ts";

/** Plans of bulk statements, made once per driver. */
export class BulkPlans {
  readonly #plans = new Map<BulkStatement, BulkPlan>();

  of(statement: BulkStatement): BulkPlan {
    const known = this.#plans.get(statement);
    if (known !== undefined) return known;
    const plan = planBulk(statement);
    this.#plans.set(statement, plan);
    return plan;
  }
}

/**
 * The statements of one transaction. They are sent one at a time: a statement that waited in the client while the
 * connection was lost would be sent on the next one. The first failure ends the transaction, caught or not.
 */
export class Session implements Sql {
  readonly dialect: Dialect;
  readonly #connection: Connection;
  readonly #plans: BulkPlans;
  readonly #begun: Promise<unknown>;
  #last: Promise<unknown> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;
  #hasEnded = false;
  #underWay = 0;

  /** Begins; the first statement travels together with `begin`. */
  constructor(
    connection: Connection,
    of: { readonly dialect: Dialect; readonly plans: BulkPlans; readonly begin: string },
  ) {
    this.dialect = of.dialect;
    this.#connection = connection;
    this.#plans = of.plans;
    this.#begun = connection.send(of.begin);
    this.#begun.catch((error) => this.#fail(error));
  }

  /** False while a statement is under way that nobody waited for. */
  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  async all<Row extends object>(text: string, ...parameters: SqlValue[]): Promise<Row[]> {
    return [...(await this.#send<Row>(text, parameters.map(parameter)))];
  }

  async run(text: string, ...parameters: SqlValue[]): Promise<number> {
    return (await this.#send(text, parameters.map(parameter))).count ?? 0;
  }

  async bulk(statement: BulkStatement, rows: readonly SqlRow[]): Promise<boolean[]> {
    const plan = this.#plans.of(statement);
    const applied = rows.map(() => plan.returning === null);
    for (const batch of batchesOf(plan, rows)) {
      const written = await this.#send<SqlRow>(
        plan.returning ?? plan.text,
        arraysOf(
          plan,
          batch.map((i) => rows[i] as SqlRow),
        ),
      );
      if (plan.returning === null) continue;
      const keys = new Set(written.map((row) => keyOf(plan, row)));
      for (const i of batch) applied[i] = keys.has(keyOf(plan, rows[i] as SqlRow));
    }
    return applied;
  }

  async bulkAll<Row extends object>(statement: BulkStatement, rows: readonly SqlRow[]): Promise<Row[]> {
    const plan = this.#plans.of(statement);
    const found: Row[] = [];
    for (const batch of batchesOf(plan, rows)) {
      const part = await this.#send<Row>(
        plan.text,
        arraysOf(
          plan,
          batch.map((i) => rows[i] as SqlRow),
        ),
      );
      for (const row of part) found.push(row);
    }
    return found;
  }

  /** Ends the transaction with `COMMIT` or `ROLLBACK`, after what was sent before; no statement is taken any more. */
  async end(how: "COMMIT" | "ROLLBACK"): Promise<void> {
    this.#hasEnded = true;
    await this.#last;
    await this.#begun;
    const { command } = await this.#connection.send(how);
    // A transaction that failed answers a COMMIT with ROLLBACK, and no error.
    if (command !== how) throw new Error(`the database answered ${how} with ${command}`);
  }

  /** Ends a transaction that only read: the COMMIT is on its way when this returns, and nobody waits for its answer. */
  leave(): void {
    this.#hasEnded = true;
    this.#connection.send("COMMIT").catch(() => undefined);
  }

  #send<Row extends object>(text: string, parameters: readonly string[]): Promise<Rows<Row>> {
    this.#underWay += 1;
    const answer = this.#last.then(() => this.#execute<Row>(text, parameters));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #execute<Row extends object>(text: string, parameters: readonly string[]): Promise<Rows<Row>> {
    try {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#hasEnded) throw new Error("this transaction has ended; await every statement inside it");
      return await this.#connection.send<Row>(text, parameters);
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      this.#underWay -= 1;
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
  }
}

function parameter(value: SqlValue): string {
  return value === null ? (null as unknown as string) : withoutNul(String(value));
}
