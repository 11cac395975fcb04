import { expect } from "vitest";
import { readActions } from "../../../src/store/actions.ts";
import type { SqlDriver } from "../../../src/store/driver.ts";
import {
  deleteLeases,
  deleteLostLeases,
  insertLeases,
  insertLostLeases,
  parseToken,
  readGranted,
  readHolders,
  readLeased,
  readLeasesOf,
  readLostLeases,
} from "../../../src/store/leases.ts";
import {
  hasBacklog,
  headOfQueue,
  insertQueue,
  movePool,
  poolsWithBacklog,
  tailOfRun,
  takeQueue,
} from "../../../src/store/queue.ts";
import type { QueueRow } from "../../../src/store/rows.ts";
import { readRuns } from "../../../src/store/runs.ts";
import { type Store, unique } from "./host.ts";
import { insertSampleRun, sampleLease } from "./samples.ts";

export function queueContract(store: Store): void {
  const { it } = store;

  async function enqueue(rows: readonly Partial<QueueRow>[]): Promise<{ pool: string; run: string }> {
    const pool = unique("p");
    const run = unique("r");
    await store.driver.transaction((sql) =>
      insertQueue(
        sql,
        rows.map((row, i) => ({ pool, rank: 0, vtime: 0, run_id: run, action_id: `c${i}`, ...row })),
      ),
    );
    return { pool, run };
  }

  function take(driver: SqlDriver, pool: string, limit: number): Promise<string[]> {
    return driver.transaction(async (sql) =>
      (await takeQueue(sql, pool, { limit })).map((row) => row.action_id),
    );
  }

  it("hands out the highest priority first, then the lowest virtual time", async () => {
    const { pool } = await enqueue([
      { action_id: "late", vtime: 10.5 },
      { action_id: "early", vtime: 2.25 },
      { action_id: "urgent", rank: -5, vtime: 99 },
      { action_id: "idle", rank: 3, vtime: 0 },
      { action_id: "third", vtime: 1 / 3 },
    ]);
    expect(await take(store.driver, pool, 2)).toEqual(["urgent", "third"]);
    expect(await take(store.driver, pool, 10)).toEqual(["early", "late", "idle"]);
    expect(await take(store.driver, pool, 10)).toEqual([]);
  });

  it("puts back what a failed transaction took", async () => {
    const { pool } = await enqueue([{}]);
    const failing = store.driver.transaction(async (sql) => {
      expect(await takeQueue(sql, pool, { limit: 1 })).toHaveLength(1);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await take(store.driver, pool, 1)).toEqual(["c0"]);
  });

  it("hands out each row once to many takers", async () => {
    const count = 400;
    const { pool } = await enqueue(Array.from({ length: count }, (_, i) => ({ vtime: i })));
    const taker = async (driver: SqlDriver): Promise<string[]> => {
      const mine: string[] = [];
      for (;;) {
        const batch = await take(driver, pool, 7);
        expect(batch.length).toBeLessThanOrEqual(7);
        if (batch.length === 0) return mine;
        mine.push(...batch);
      }
    };
    const takers = Array.from({ length: 8 }, (_, i) => taker(i % 2 === 0 ? store.driver : store.other));
    const taken = (await Promise.all(takers)).flat();
    expect(taken).toHaveLength(count);
    expect(new Set(taken).size).toBe(count);
  });

  it("knows the ends of the queue", async () => {
    const { pool, run } = await enqueue([{ vtime: 4 }, { vtime: 2 }, { rank: 1, vtime: 1 }]);
    await store.driver.read(async (sql) => {
      expect(await headOfQueue(sql, pool, 0)).toBe(2);
      expect(await headOfQueue(sql, pool, 1)).toBe(1);
      expect(await headOfQueue(sql, pool, 7)).toBeNull();
      expect(await tailOfRun(sql, run)).toBe(4);
      expect(await tailOfRun(sql, unique("r"))).toBeNull();
    });
  });

  it("knows which pools have a backlog", async () => {
    const [one, two] = [await enqueue([{}, {}]), await enqueue([{}])];
    await store.driver.read(async (sql) => {
      const pools = await poolsWithBacklog(sql);
      expect(pools.filter((pool) => pool === one.pool || pool === two.pool)).toEqual(
        [one.pool, two.pool].toSorted(),
      );
      expect(await hasBacklog(sql, [unique("p"), two.pool])).toBe(true);
      expect(await hasBacklog(sql, [unique("p")])).toBe(false);
    });
  });

  it("moves what a run has in one pool to another", async () => {
    const run = await insertSampleRun(store.driver, ["a0"]);
    const to = unique("p");
    await store.driver.transaction(async (sql) => {
      await insertQueue(sql, [{ pool: "p1", rank: 0, vtime: 1, run_id: run, action_id: "a0" }]);
      await movePool(sql, { from: "p1", run, to });
    });
    expect(await take(store.driver, to, 5)).toEqual(["a0"]);
    await store.driver.read(async (sql) => {
      expect((await readRuns(sql, [run]))[0]?.pool).toBe(to);
      expect((await readActions(sql, [{ run_id: run, action_id: "a0" }]))[0]?.pool).toBe(to);
    });
  });
}

export function leaseContract(store: Store): void {
  const { it } = store;

  it("finds an action by its current token only", async () => {
    const run = await insertSampleRun(store.driver, ["a0", "a1"]);
    const lease = sampleLease(run, "a0", { must_end_ms: 5_000_000_000 });
    await store.driver.transaction((sql) => insertLeases(sql, [lease]));
    const tokens = [lease.token, `${run}/a0/old`, `${run}/a1/n1`, "nonsense"];
    const leased = await store.driver.read((sql) => readLeased(sql, tokens));
    expect(leased).toHaveLength(1);
    expect(leased[0]).toMatchObject({
      id: "a0",
      token: lease.token,
      runner_id: "w1",
      must_end_ms: 5_000_000_000,
    });
    expect(parseToken(lease.token)).toEqual({ run, action: "a0" });
  });

  it("keeps the first lease of an action until it ends", async () => {
    const run = await insertSampleRun(store.driver, ["a0"]);
    const [first, second] = [sampleLease(run, "a0"), sampleLease(run, "a0", { token: `${run}/a0/n2` })];
    const current = (): Promise<string[]> =>
      store.driver.read(async (sql) =>
        (await readHolders(sql, [{ run_id: run, action_id: "a0" }])).map((holder) => holder.token),
      );
    await store.driver.transaction((sql) => insertLeases(sql, [first]));
    await store.driver.transaction((sql) => insertLeases(sql, [second]));
    expect(await current()).toEqual([first.token]);
    await store.driver.transaction(async (sql) => {
      await deleteLeases(sql, [{ run_id: run, action_id: "a0" }]);
      await insertLeases(sql, [second]);
    });
    expect(await current()).toEqual([second.token]);
    expect(await store.driver.read((sql) => readLeased(sql, [first.token]))).toEqual([]);
  });

  it("lists a runner's leases, oldest grant first, and those of one exchange", async () => {
    const run = await insertSampleRun(store.driver);
    const runner = unique("w");
    const leases = ["poll2", "poll1", "poll2"].map((grant, i) =>
      sampleLease(run, `c${i}`, { runner_id: runner, grant_id: grant }),
    );
    await store.driver.transaction((sql) => insertLeases(sql, leases));
    await store.driver.read(async (sql) => {
      expect((await readLeasesOf(sql, runner, 10)).map((lease) => lease.grant_id)).toEqual([
        "poll1",
        "poll2",
        "poll2",
      ]);
      expect(await readLeasesOf(sql, runner, 1)).toHaveLength(1);
      expect(await readGranted(sql, runner, "poll1")).toEqual([leases[1]]);
    });
  });

  it("remembers lost leases until the runner has heard of them", async () => {
    const runner = unique("w");
    const lost = ["t1", "t2", "t3"].map((token) => ({
      runner_id: runner,
      token,
      reason: "aborted",
      detail: "why",
    }));
    await store.driver.transaction(async (sql) => {
      await insertLostLeases(sql, lost);
      await insertLostLeases(sql, lost.slice(0, 1));
      await deleteLostLeases(sql, runner, ["t1", "t3", "unknown"]);
    });
    expect(await store.driver.read((sql) => readLostLeases(sql, runner))).toEqual(lost.slice(1, 2));
  });
}
