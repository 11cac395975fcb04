import { describe, expect, test } from "vitest";
import type { SqlDriver } from "../../../src/store/driver.ts";
import { migrate } from "../../../src/store/migrate.ts";
import { lockRuns, readRuns, updateRuns } from "../../../src/store/runs.ts";
import { type Store, type StoreHost, sleep, unique } from "./host.ts";
import { insertSampleRun } from "./samples.ts";

export function transactionContract(store: Store): void {
  const { it } = store;

  async function setTask(driver: SqlDriver, run: string, task: string): Promise<void> {
    await driver.transaction(async (sql) => {
      await sql.run("UPDATE runs SET task = $2 WHERE id = $1", run, task);
    });
  }

  async function taskOf(driver: SqlDriver, run: string): Promise<string | undefined> {
    return (await driver.read((sql) => readRuns(sql, [run])))[0]?.task;
  }

  it("keeps what a transaction wrote, and gives what its work gave", async () => {
    const run = await insertSampleRun(store.driver);
    const given = await store.driver.transaction(async (sql) => {
      await sql.run("UPDATE runs SET task = $2 WHERE id = $1", run, "changed");
      return 42;
    });
    expect(given).toBe(42);
    expect(await taskOf(store.other, run)).toBe("changed");
  });

  it("shows a transaction its own writes", async () => {
    const run = await insertSampleRun(store.driver);
    const seen = await store.driver.transaction(async (sql) => {
      await sql.run("UPDATE runs SET task = $2 WHERE id = $1", run, "mine");
      return (await readRuns(sql, [run]))[0]?.task;
    });
    expect(seen).toBe("mine");
  });

  it("undoes everything when the work throws, and passes the error on", async () => {
    const run = await insertSampleRun(store.driver);
    const error = new Error("changed my mind");
    const failing = store.driver.transaction(async (sql) => {
      await sql.run("UPDATE runs SET task = $2 WHERE id = $1", run, "changed");
      throw error;
    });
    await expect(failing).rejects.toBe(error);
    expect(await taskOf(store.driver, run)).toBe("env.main");
  });

  it("undoes everything when a statement fails, even if the work goes on", async () => {
    const run = await insertSampleRun(store.driver);
    const failing = store.driver.transaction(async (sql) => {
      await sql.run("UPDATE runs SET task = $2 WHERE id = $1", run, "changed");
      await sql.run("INSERT INTO nowhere VALUES (1)").catch(() => undefined);
      return "done";
    });
    await expect(failing).rejects.toThrow(/nowhere/);
    expect(await taskOf(store.driver, run)).toBe("env.main");
    // The connection is as good as before.
    await setTask(store.driver, run, "later");
    expect(await taskOf(store.driver, run)).toBe("later");
  });

  it("hides what is not committed", async () => {
    const run = await insertSampleRun(store.driver);
    let reading: Promise<string | undefined> | undefined;
    const failing = store.driver.transaction(async (sql) => {
      await sql.run("UPDATE runs SET task = $2 WHERE id = $1", run, "secret");
      // Not awaited here: a database with one connection reads when the transaction is over.
      reading = taskOf(store.other, run);
      await sleep(30);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await reading).toBe("env.main");
  });

  it("lets transactions that lock the same run follow one another", async () => {
    const run = await insertSampleRun(store.driver);
    const count = async (driver: SqlDriver): Promise<void> =>
      driver.transaction(async (sql) => {
        const [row] = await lockRuns(sql, [run]);
        if (row === undefined) throw new Error("the run is not there");
        await sleep(Math.random() * 3);
        await updateRuns(sql, [{ ...row, event_seq: row.event_seq + 1 }]);
      });
    const drivers = Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? store.driver : store.other));
    await Promise.all(drivers.map(count));
    expect((await store.driver.read((sql) => readRuns(sql, [run])))[0]?.event_seq).toBe(24);
  });

  it("locks several runs in one order, however they are named", async () => {
    const runs = [await insertSampleRun(store.driver), await insertSampleRun(store.driver)];
    const work = Array.from({ length: 20 }, (_, i) => {
      const driver = i % 2 === 0 ? store.driver : store.other;
      const ids = i % 3 === 0 ? runs : runs.toReversed();
      return driver.transaction(async (sql) => {
        const locked = await lockRuns(sql, ids);
        await updateRuns(
          sql,
          locked.map((row) => ({ ...row, actions: row.actions + 1 })),
        );
        return locked.map((row) => row.id);
      });
    });
    for (const ids of await Promise.all(work)) expect(ids).toEqual(runs.toSorted());
    const rows = await store.driver.read((sql) => readRuns(sql, runs));
    expect(rows.map((row) => row.actions)).toEqual([21, 21]);
  });

  it("tells how many rows a statement changed", async () => {
    const run = await insertSampleRun(store.driver);
    await store.driver.transaction(async (sql) => {
      expect(await sql.run("UPDATE runs SET task = 'x' WHERE id = $1", run)).toBe(1);
      expect(await sql.run("UPDATE runs SET task = 'x' WHERE id = $1", unique("none"))).toBe(0);
    });
  });

  it("takes numbers and null where a statement does not say what they are", async () => {
    const rows = await store.driver.read((sql) =>
      sql.all(
        "SELECT id FROM runs WHERE (CAST($1 AS TEXT) IS NULL OR id = $1) AND created_ms > $2 LIMIT $3",
        null,
        2 ** 52,
        5,
      ),
    );
    expect(rows).toEqual([]);
  });

  it("carries hints and commits to other connections", async () => {
    const heard: string[] = [];
    const stop = store.other.watch((topic) => heard.push(topic));
    const run = await insertSampleRun(store.driver);
    const startedMs = performance.now();
    while (!heard.includes("*") && !heard.includes(`run:${run}`) && performance.now() - startedMs < 5_000) {
      await setTask(store.driver, run, "again");
      store.driver.hint(`run:${run}`);
      await sleep(20);
    }
    stop();
    expect(heard.some((topic) => topic === "*" || topic === `run:${run}`)).toBe(true);
  });
}

/** Needs databases of its own. */
export function migrationContract(host: StoreHost): void {
  describe("migrate", () => {
    test("may be called by several processes at once, and again", async () => {
      const database = await host.create();
      const drivers = await Promise.all(Array.from({ length: 4 }, () => database.connect()));
      try {
        await Promise.all(drivers.map((driver) => migrate(driver)));
        await migrate(drivers[0] as SqlDriver);
        const rows = await (drivers[0] as SqlDriver).read((sql) =>
          sql.all<{ version: number }>("SELECT version FROM migrations WHERE version > 0 ORDER BY version"),
        );
        expect(rows.map((row) => row.version)).toEqual(rows.map((_, i) => i + 1));
        expect(rows.length).toBeGreaterThan(0);
      } finally {
        for (const driver of new Set(drivers)) await driver.close();
        await database.drop();
      }
    });
  });
}
