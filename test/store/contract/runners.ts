import { expect } from "vitest";
import {
  insertDeployment,
  readCodeHashes,
  readDeployment,
  readTask,
  type TaskRow,
  wholeDeployment,
} from "../../../src/store/deployments.ts";
import type { SqlDriver } from "../../../src/store/driver.ts";
import {
  closeExchange,
  deleteRunner,
  extendRunner,
  insertRunner,
  readExpiredRunners,
  readRunner,
  readRunners,
} from "../../../src/store/runners.ts";
import { type Store, unique } from "./host.ts";

export function runnerContract(store: Store): void {
  const { it } = store;

  async function register(expiresMs = 2 ** 45): Promise<string> {
    const id = unique("w");
    const hello = { id, pools: ["p1", "*"], slots: 4, backend: "local", host: "h", pid: 77 };
    await store.driver.transaction((sql) => insertRunner(sql, hello, 5, expiresMs));
    return id;
  }

  it("registers a runner once", async () => {
    const id = await register();
    const again = { id, pools: [], slots: 1, backend: "local", host: "h", pid: 1 };
    await store.driver.transaction((sql) => insertRunner(sql, again, 6, 7));
    const row = await store.driver.read((sql) => readRunner(sql, id));
    expect(row).toMatchObject({ slots: 4, pools: '["p1","*"]', registered_ms: 5, report_n: 0, poll_n: 0 });
    expect((await store.driver.read((sql) => readRunners(sql))).map((runner) => runner.id)).toContain(id);
  });

  it("closes an exchange exactly once, and with it all earlier ones", async () => {
    const runner = await register();
    const close = (
      driver: SqlDriver,
      number: number,
      column: "report_n" | "poll_n" = "poll_n",
    ): Promise<boolean> =>
      driver.transaction((sql) =>
        closeExchange(sql, { runner, column, number, expiresMs: 2 ** 45 } as never),
      );
    const closed = await Promise.all(
      Array.from({ length: 10 }, (_, i) => close(i % 2 === 0 ? store.driver : store.other, 3)),
    );
    expect(closed.filter(Boolean)).toHaveLength(1);
    expect(await close(store.driver, 2)).toBe(false);
    expect(await close(store.driver, 2, "report_n")).toBe(true);
    expect(await close(store.driver, 4)).toBe(true);
    await store.driver.transaction((sql) => deleteRunner(sql, runner));
    expect(await close(store.driver, 5)).toBe(false);
  });

  it("extends a life and never shortens it; finds whose is over", async () => {
    const runner = await register(100);
    const expired = (nowMs: number): Promise<boolean> =>
      store.driver.read(async (sql) =>
        (await readExpiredRunners(sql, nowMs, 100)).some((row) => row.id === runner),
      );
    expect([await expired(99), await expired(100)]).toEqual([false, true]);
    await store.driver.transaction(async (sql) => {
      await extendRunner(sql, runner, 200);
      await extendRunner(sql, runner, 150);
    });
    expect([await expired(199), await expired(200)]).toEqual([false, true]);
    await store.driver.transaction((sql) => deleteRunner(sql, runner));
    expect(await store.driver.read((sql) => readRunner(sql, runner))).toBeUndefined();
  });

  it("keeps a deployment and its tasks as they were first written", async () => {
    const id = unique("d");
    const row = wholeDeployment({ id, project: "p", domain: "d", version: "v1", nowMs: 5 });
    const task = (name: string, hash: string | null): TaskRow => ({
      deployment: id,
      name,
      description: null,
      input_schema: null,
      output_schema: "{}",
      options: "{}",
      code_hash: hash,
    });
    const deploy = (version: string): Promise<boolean> =>
      store.driver.transaction((sql) =>
        insertDeployment(sql, { ...row, version }, [task("a", "h1"), task("b", null)]),
      );
    expect([await deploy("v1"), await deploy("v2")]).toEqual([true, false]);
    await store.driver.read(async (sql) => {
      expect(await readDeployment(sql, id)).toEqual(row);
      expect(await readTask(sql, id, "b")).toEqual(task("b", null));
      const keys = ["a", "b", "a", "c"].map((name) => ({ deployment: id, name }));
      expect(await readCodeHashes(sql, keys)).toEqual(new Map([[`${id} a`, "h1"]]));
    });
  });
}
