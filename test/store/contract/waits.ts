import { expect } from "vitest";
import { moveActions } from "../../../src/store/actions.ts";
import { claimFill, endFill, readCache, writeCache } from "../../../src/store/cache.ts";
import {
  answerCondition,
  findCondition,
  insertCondition,
  readOpenConditions,
} from "../../../src/store/conditions.ts";
import type { SqlDriver } from "../../../src/store/driver.ts";
import {
  countLimit,
  insertHolders,
  insertWaiters,
  lockLimit,
  releaseLimit,
  removeHolders,
  takeWaiters,
} from "../../../src/store/limits.ts";
import type { TimerRow } from "../../../src/store/rows.ts";
import {
  deleteTimers,
  deleteTimersOf,
  insertTimers,
  nextDueMs,
  readDueTimers,
} from "../../../src/store/timers.ts";
import { type Store, sleep, unique } from "./host.ts";
import { insertSampleRun, sampleAction } from "./samples.ts";

export function timerContract(store: Store): void {
  const { it } = store;

  function timers(run: string, dues: readonly number[]): TimerRow[] {
    return dues.map((due_ms, i) => ({ due_ms, run_id: run, action_id: `c${i}`, kind: "sleep", attempt: 0 }));
  }

  it("gives what is due, earliest first, until it is deleted", async () => {
    const run = unique("r");
    const rows = timers(run, [30, 10, 20, 2 ** 40]);
    await store.driver.transaction(async (sql) => {
      await insertTimers(sql, rows);
      await insertTimers(sql, rows.slice(0, 1));
    });
    const due = (): Promise<TimerRow[]> => store.driver.read((sql) => readDueTimers(sql, 30, 100));
    expect((await due()).map((timer) => timer.due_ms)).toEqual([10, 20, 30]);
    expect(await store.driver.read((sql) => readDueTimers(sql, 30, 1))).toEqual([rows[1]]);
    expect(await store.driver.read((sql) => nextDueMs(sql))).toBe(10);
    await store.driver.transaction((sql) => deleteTimers(sql, rows.slice(0, 2)));
    expect(await due()).toEqual([rows[2]]);
    await store.driver.transaction((sql) =>
      deleteTimersOf(sql, [
        { run_id: run, action_id: "c2" },
        { run_id: run, action_id: "c3" },
      ]),
    );
    expect(await due()).toEqual([]);
  });
}

export function conditionContract(store: Store): void {
  const { it } = store;

  it("finds a condition by name or action, unanswered ones first", async () => {
    const run = await insertSampleRun(store.driver, ["c1", "c2"]);
    const condition = { run_id: run, name: "approve", prompt: null, schema_json: null, due_ms: null };
    await store.driver.transaction(async (sql) => {
      await insertCondition(sql, { ...condition, action_id: "c1", created_ms: 1 });
      await insertCondition(sql, { ...condition, action_id: "c2", created_ms: 2, prompt: "ok?", due_ms: 9 });
      await insertCondition(sql, { ...condition, action_id: "c1", created_ms: 99 });
    });
    const find = async (name: string): Promise<string | undefined> =>
      (await store.driver.read((sql) => findCondition(sql, run, name)))?.action_id;
    expect([await find("approve"), await find("c2"), await find("other")]).toEqual(["c1", "c2", undefined]);
    const answer = { runId: run, actionId: "c1", nowMs: 5, by: null, answer: "true" };
    await store.driver.transaction(async (sql) => {
      await answerCondition(sql, answer);
      await answerCondition(sql, { ...answer, nowMs: 6, by: "late", answer: "false" });
    });
    expect(await find("approve")).toBe("c2");
    expect(await store.driver.read((sql) => findCondition(sql, run, "c1"))).toMatchObject({
      created_ms: 1,
      answered_ms: 5,
      answered_by: null,
      answer: "true",
    });
  });

  it("lists what waits for an answer, of one run or of all", async () => {
    const run = await insertSampleRun(store.driver, ["c1", "c2"]);
    await store.driver.transaction(async (sql) => {
      for (const action_id of ["c1", "c2"]) {
        const row = { run_id: run, action_id, name: action_id, prompt: null, schema_json: null };
        await insertCondition(sql, { ...row, created_ms: 3, due_ms: null });
      }
      await moveActions(sql, [sampleAction(run, "c2", { phase: "paused" })]);
    });
    const place = { project: "default", domain: "development", limit: 10 };
    const open = (runId: string | null): Promise<string[]> =>
      store.driver.read(async (sql) =>
        (await readOpenConditions(sql, { ...place, runId }))
          .filter((condition) => condition.run_id === run)
          .map((condition) => condition.action_id),
      );
    expect(await open(run)).toEqual(["c2"]);
    expect(await open(null)).toEqual(["c2"]);
    expect(await open("r-none")).toEqual([]);
  });
}

export function cacheContract(store: Store): void {
  const { it } = store;

  it("keeps the last value of a key", async () => {
    const [one, two] = [unique("k"), unique("k")];
    const entry = (key: string, result: string) => ({
      key,
      project: "p",
      domain: "d",
      task: "t",
      run_id: "r",
      action_id: "a",
      result,
      created_ms: 5,
    });
    await store.driver.transaction((sql) =>
      writeCache(sql, [entry(one, "1"), entry(two, "2"), entry(one, "3")]),
    );
    await store.driver.transaction((sql) => writeCache(sql, [entry(two, "4")]));
    const rows = await store.driver.read((sql) => readCache(sql, [one, two, unique("k")]));
    expect(rows.map((row) => [row.key, row.result]).toSorted()).toEqual(
      [
        [one, "3"],
        [two, "4"],
      ].toSorted(),
    );
  });

  it("lets one action fill an entry, and the next one when it is done", async () => {
    const key = unique("k");
    const claim = (driver: SqlDriver, action_id: string, holdMs = 0): Promise<string> =>
      driver.transaction(async (sql) => {
        const holder = await claimFill(sql, { key, run_id: "r", action_id });
        await sleep(holdMs);
        return holder.action_id;
      });
    const holders = await Promise.all([
      claim(store.driver, "a", 20),
      claim(store.other, "b"),
      claim(store.other, "c"),
    ]);
    const [holder] = holders;
    expect(holders).toEqual([holder, holder, holder]);
    const end = (action_id: string): Promise<boolean> =>
      store.driver.transaction((sql) => endFill(sql, { key, run_id: "r", action_id }));
    expect(await end("d")).toBe(false);
    expect(await end(holder ?? "")).toBe(true);
    expect(await claim(store.other, "d")).toBe("d");
  });

  it("has a claim wait for a holder that is about to finish", async () => {
    const key = unique("k");
    const fill = (action_id: string) => ({ key, run_id: "r", action_id });
    await store.driver.transaction((sql) => claimFill(sql, fill("a")));
    let claiming: Promise<{ action_id: string }> | undefined;
    await store.driver.transaction(async (sql) => {
      expect(await endFill(sql, fill("a"))).toBe(true);
      claiming = store.other.transaction((other) => claimFill(other, fill("b")));
      await sleep(30);
    });
    expect((await claiming)?.action_id).toBe("b");
  });
}

export function limitContract(store: Store): void {
  const { it } = store;

  it("never counts past a limit, however many ask at once", async () => {
    const key = unique("limit:");
    const acquire = (driver: SqlDriver): Promise<boolean> =>
      driver.transaction(async (sql) => {
        const used = await lockLimit(sql, key, 3);
        await sleep(1);
        if (used >= 3) return false;
        await countLimit(sql, key, used + 1, 3);
        return true;
      });
    const asked = Array.from({ length: 12 }, (_, i) => acquire(i % 2 === 0 ? store.driver : store.other));
    expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(3);
    const release = (count: number): Promise<number> =>
      store.driver.transaction((sql) => releaseLimit(sql, key, count));
    expect([await release(0), await release(1), await release(5)]).toEqual([0, 1, 3]);
    expect(await store.driver.transaction((sql) => releaseLimit(sql, unique("limit:"), 1))).toBe(0);
  });

  it("gives waiters their turn by rank, then by time", async () => {
    const key = unique("limit:");
    const waiter = (action_id: string, rank: number, vtime: number) => ({
      key,
      rank,
      vtime,
      run_id: "r",
      action_id,
    });
    await store.driver.transaction((sql) =>
      insertWaiters(sql, [
        waiter("third", 0, 1_760_000_000_002),
        waiter("second", 0, 1_760_000_000_001),
        waiter("first", -1, 1_760_000_000_003),
      ]),
    );
    const take = (limit: number): Promise<string[]> =>
      store.driver.transaction(async (sql) =>
        (await takeWaiters(sql, key, limit)).map((row) => row.action_id),
      );
    expect([await take(2), await take(2), await take(2)]).toEqual([["first", "second"], ["third"], []]);
  });

  it("tells what an action held when it lets go", async () => {
    const run = unique("r");
    const holder = (action_id: string, key: string) => ({ run_id: run, action_id, key });
    const remove = (): Promise<string[]> =>
      store.driver.transaction(async (sql) =>
        (await removeHolders(sql, [{ run_id: run, action_id: "a" }])).map((row) => row.key).toSorted(),
      );
    await store.driver.transaction((sql) =>
      insertHolders(sql, [holder("a", "k1"), holder("a", "k2"), holder("b", "k1")]),
    );
    expect([await remove(), await remove()]).toEqual([["k1", "k2"], []]);
  });
}
