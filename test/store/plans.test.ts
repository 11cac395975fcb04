import { beforeAll, describe, expect, test } from "vitest";
import {
  countCalls,
  insertActions,
  moveActions,
  readActions,
  readInputs,
  readJournal,
  readOutcomes,
  settleActionRows,
} from "../../src/store/actions.ts";
import { readCache, writeCache } from "../../src/store/cache.ts";
import { readCheckpoints } from "../../src/store/checkpoints.ts";
import { readCodeHashes } from "../../src/store/deployments.ts";
import type { BulkStatement, Dialect, Sql, SqlRow, SqlValue } from "../../src/store/driver.ts";
import { readEvents } from "../../src/store/events.ts";
import {
  deleteLeases,
  deleteLostLeases,
  insertLeases,
  readGranted,
  readHolders,
  readLeased,
  readLeasedTo,
  readLeasesOf,
  readLostLeases,
} from "../../src/store/leases.ts";
import { insertHolders, insertWaiters, removeHolders, takeWaiters } from "../../src/store/limits.ts";
import { openStore } from "../../src/store/open.ts";
import { planBulk } from "../../src/store/postgres/bulk.ts";
import { headOfQueue, insertQueue, poolsWithBacklog, tailOfRun, takeQueue } from "../../src/store/queue.ts";
import type { ActionRow } from "../../src/store/rows.ts";
import { closeExchange } from "../../src/store/runners.ts";
import { insertRun, lockRuns, updateRuns } from "../../src/store/runs.ts";
import { deleteTimers, deleteTimersOf, insertTimers, readDueTimers } from "../../src/store/timers.ts";
import { postgresDatabase } from "../setup/postgres-database.ts";
import { sampleAction, sampleLease, sampleRun } from "./contract/samples.ts";

interface Node {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Cond"?: string;
  readonly Filter?: string;
  readonly Plans?: readonly Node[];
}

type Plan = readonly [{ readonly Plan: Node }];

/** Asks for the plan of every statement, then executes it. */
class Explaining implements Sql {
  readonly dialect: Dialect;
  readonly plans: { readonly text: string; readonly plan: Node }[] = [];
  readonly #sql: Sql;
  readonly #isGeneric: boolean;

  /** @param isGeneric the plan that is kept for any parameters, instead of the one for these */
  constructor(sql: Sql, isGeneric: boolean) {
    this.dialect = sql.dialect;
    this.#sql = sql;
    this.#isGeneric = isGeneric;
  }

  async all<Row extends object>(text: string, ...parameters: SqlValue[]): Promise<Row[]> {
    await this.#explain(text, parameters);
    return this.#sql.all(text, ...parameters);
  }

  async run(text: string, ...parameters: SqlValue[]): Promise<number> {
    await this.#explain(text, parameters);
    return this.#sql.run(text, ...parameters);
  }

  async bulk(statement: BulkStatement, rows: readonly SqlRow[]): Promise<boolean[]> {
    await this.#explainBulk(statement, rows);
    return this.#sql.bulk(statement, rows);
  }

  async bulkAll<Row extends object>(statement: BulkStatement, rows: readonly SqlRow[]): Promise<Row[]> {
    await this.#explainBulk(statement, rows);
    return this.#sql.bulkAll(statement, rows);
  }

  async #explain(text: string, parameters: readonly SqlValue[]): Promise<void> {
    const rows = this.#isGeneric
      ? await this.#sql.all(`EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${text}`)
      : await this.#sql.all(`EXPLAIN (FORMAT JSON) ${text}`, ...parameters);
    this.#note(text, rows);
  }

  async #explainBulk({ columns, text }: BulkStatement, rows: readonly SqlRow[]): Promise<void> {
    if (rows.length === 0) return;
    if (this.#isGeneric) return this.#explain(planBulk({ columns, text }).text, []);
    const explain = { columns, text: (item: string) => `EXPLAIN (FORMAT JSON) ${text(item)}` };
    this.#note(text("rows"), await this.#sql.bulkAll(explain, rows));
  }

  #note(text: string, rows: readonly object[]): void {
    const [{ Plan: plan }] = (rows[0] as { "QUERY PLAN": Plan })["QUERY PLAN"];
    this.plans.push({ text, plan });
  }
}

/** What a plan reads without knowing where to look. */
function blindReads(plan: Node): string[] {
  const { "Node Type": type, "Relation Name": table } = plan;
  const below = (plan.Plans ?? []).flatMap(blindReads);
  if (table === undefined || type === "ModifyTable" || type === "Bitmap Heap Scan") return below;
  // An action that is looked for by run, and only then by id, costs as much as all actions of its run.
  const isFiltered = table === "actions" && /\bid\b/.test(plan.Filter ?? "");
  const isKeyed = plan["Index Cond"] !== undefined && !isFiltered;
  return isKeyed ? below : [`${type} on ${table}`, ...below];
}

const RUN = "r1";
const BATCH = 1_000;

async function hotReads(sql: Sql): Promise<void> {
  const keys = Array.from({ length: BATCH }, (_, i) => ({ run_id: RUN, action_id: `c${i * 7}` }));
  await readActions(sql, keys);
  await readInputs(sql, keys);
  await readOutcomes(sql, keys);
  await readHolders(sql, keys);
  await readCheckpoints(
    sql,
    keys.map((key) => ({ ...key, attempt: 2 })),
  );
  const tokens = keys.map(({ action_id }) => `${RUN}/${action_id}/n1`);
  await readLeased(sql, tokens);
  await readLeasedTo(sql, "w1", tokens);
  await readLeasesOf(sql, "w1", 500);
  await readGranted(sql, "w1", "poll1");
  await readLostLeases(sql, "w1");
  await readJournal(sql, { runId: RUN, parentId: "a0", since: 10, limit: 1_000 });
  await readEvents(sql, RUN, 0);
  await readCodeHashes(sql, [{ deployment: "d1", name: "t" }]);
  await readCache(sql, ["k1"]);
  await headOfQueue(sql, "p1", 0);
  await tailOfRun(sql, RUN);
  await poolsWithBacklog(sql);
  await readDueTimers(sql, 0, 500);
}

async function hotWrites(sql: Sql): Promise<void> {
  const keys = Array.from({ length: BATCH }, (_, i) => ({ run_id: RUN, action_id: `c${i * 7}` }));
  const rows = keys.map(({ action_id }): ActionRow => sampleAction(RUN, action_id));
  const runs = await lockRuns(sql, [RUN, "r2"]);
  await updateRuns(sql, runs);
  const taken = await takeQueue(sql, "p1", { limit: 500 });
  await insertQueue(sql, taken);
  await moveActions(sql, rows);
  await countCalls(sql, rows);
  await settleActionRows(
    sql,
    rows.map((row, i) => ({ ...row, phase: "succeeded", seq: i, ended_ms: 5, result: "1" })),
  );
  await insertActions(
    sql,
    keys.map(({ action_id }) => sampleAction("r2", action_id)),
  );
  await deleteLeases(sql, keys);
  await insertLeases(
    sql,
    keys.map(({ action_id }) => sampleLease("r2", action_id)),
  );
  const timers = keys.map((key) => ({ ...key, due_ms: 2 ** 40, kind: "sleep" as const, attempt: 0 }));
  await insertTimers(sql, timers);
  await deleteTimers(sql, timers);
  await deleteTimersOf(sql, keys);
  const waiters = keys.map((key) => ({ ...key, key: "limit:x", rank: 0, vtime: 1 }));
  await insertWaiters(sql, waiters);
  await takeWaiters(sql, "limit:x", 10);
  await insertHolders(
    sql,
    keys.map((key) => ({ ...key, key: "limit:x" })),
  );
  await removeHolders(sql, keys);
  await deleteLostLeases(sql, "w1", ["t1", "t2"]);
  await closeExchange(sql, { runner: "w1", column: "poll_n", number: 1 });
  const place = { project: "p", domain: "d", task: "t", run_id: RUN, action_id: "c1" };
  await writeCache(sql, [{ ...place, key: "k1", result: "1", created_ms: 1 }]);
}

const TABLES = `runs actions queue leases timers waiters concurrency_holders lost_leases cache events`.split(
  " ",
);

describe("plans in PostgreSQL, with no statistics", () => {
  const database = postgresDatabase();
  const found = new Map<string, readonly string[]>();

  beforeAll(async () => {
    const driver = await openStore(database.url);
    try {
      await driver.transaction(async (sql) => {
        for (const table of TABLES) await sql.run(`ALTER TABLE ${table} SET (autovacuum_enabled = false)`);
      });
      const collect = async (name: string, isGeneric: boolean): Promise<void> => {
        const plans: Explaining["plans"] = [];
        await driver.read(async (sql) => {
          const explaining = new Explaining(sql, isGeneric);
          await hotReads(explaining);
          plans.push(...explaining.plans);
        });
        const undo = new Error("undo");
        const writing = driver.transaction(async (sql) => {
          const explaining = new Explaining(sql, isGeneric);
          await hotWrites(explaining);
          plans.push(...explaining.plans);
          throw undo;
        });
        await expect(writing).rejects.toBe(undo);
        expect(plans.length).toBeGreaterThan(35);
        found.set(
          name,
          plans.flatMap(({ text, plan }) => blindReads(plan).map((read) => `${read}: ${text}`)),
        );
      };
      const fill = (from: number, to: number): Promise<void> =>
        driver.transaction(async (sql) => {
          if (from === 0) await insertRun(sql, sampleRun({ id: RUN }));
          const ids = Array.from({ length: to - from }, (_, i) => `c${from + i}`);
          await insertActions(
            sql,
            ids.map((id, i) => sampleAction(RUN, id, { ordinal: from + i, input: "x".repeat(300) })),
          );
          await insertLeases(
            sql,
            ids.map((id) => sampleLease(RUN, id)),
          );
          await insertQueue(
            sql,
            ids.map((id, i) => ({ pool: "p1", rank: 0, vtime: from + i, run_id: RUN, action_id: id })),
          );
          await insertTimers(
            sql,
            ids.map((id, i) => ({
              due_ms: 2 ** 40 + from + i,
              run_id: RUN,
              action_id: id,
              kind: "sleep",
              attempt: 0,
            })),
          );
        });
      await fill(0, 20);
      await collect("kept from when the tables were small", true);
      await fill(20, 50_000);
      await collect("made for tables of 50,000 rows", false);
      await collect("kept from when the tables were large", true);
    } finally {
      await driver.close();
    }
  });

  test.each([
    "kept from when the tables were small",
    "made for tables of 50,000 rows",
    "kept from when the tables were large",
  ])("%s, all go by key", (name) => {
    expect(found.get(name)).toEqual([]);
  });
});
