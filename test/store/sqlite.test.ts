import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SqlDriver } from "../../src/store/driver.ts";
import { openStore } from "../../src/store/open.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { sleep } from "./contract/host.ts";
import { count, readCount } from "./sqlite-writer.ts";

const TRANSACTIONS = 500;

let folder: string;
let path: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "godwit-sqlite-"));
  path = join(folder, "godwit.db");
  const driver = await openStore(folder);
  await driver.transaction(async (sql) => {
    await sql.run("CREATE TABLE counters (id TEXT PRIMARY KEY, n BIGINT NOT NULL)");
    await sql.run("INSERT INTO counters (id, n) VALUES ('a', 0), ('b', 0)");
  });
  await driver.close();
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

/** Another process that writes to the same file; gives its exit code. */
function startWriter(...arguments_: string[]): {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
} {
  const child = fork(join(import.meta.dirname, "sqlite-writer.ts"), [path, ...arguments_], { execArgv: [] });
  children.push(child);
  return { child, exit: new Promise((resolve) => child.once("exit", resolve)) };
}

function message(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => child.once("message", resolve));
}

async function withDriver<Result>(work: (driver: SqlDriver) => Promise<Result>): Promise<Result> {
  const driver = openSqlite({ path });
  try {
    return await work(driver);
  } finally {
    await driver.close();
  }
}

describe("several processes on one file", () => {
  test("write in turns, and nobody is told that the database is locked", async () => {
    const { exit } = startWriter("count", String(TRANSACTIONS));
    await withDriver(async (driver) => {
      await count(driver, TRANSACTIONS);
      expect(await exit).toBe(0);
      expect(await readCount(driver)).toEqual([2 * TRANSACTIONS, 2 * TRANSACTIONS]);
    });
  });

  test("hear of each other's commits", async () => {
    await withDriver(async (driver) => {
      const heard: string[] = [];
      const stop = driver.watch((topic) => heard.push(topic));
      await sleep(50);
      expect(heard).toEqual([]);
      const { exit } = startWriter("count", "1");
      expect(await exit).toBe(0);
      const startedMs = performance.now();
      while (heard.length === 0 && performance.now() - startedMs < 5_000) await sleep(5);
      stop();
      expect(heard[0]).toBe("*");
    });
  });

  test("survive one that is killed in the middle of a transaction", async () => {
    for (let round = 1; round <= 3; round++) {
      const { child, exit } = startWriter("hang");
      expect(await message(child)).toBe("in a transaction");
      child.kill("SIGKILL");
      await exit;
      await withDriver(async (driver) => {
        await count(driver, 1);
        expect(await readCount(driver)).toEqual([round, round]);
        expect(await driver.read((sql) => sql.all("PRAGMA integrity_check"))).toEqual([
          { integrity_check: "ok" },
        ]);
      });
    }
  });

  test("survive one that is killed while it commits all the time", async () => {
    for (let round = 0; round < 3; round++) {
      const { child, exit } = startWriter("count", "1000000");
      await message(child);
      await sleep(50);
      child.kill("SIGKILL");
      await exit;
      const [a, b] = await withDriver(readCount);
      expect(a).toBe(b);
      expect(a).toBeGreaterThan(0);
    }
  });

  test("say so when another holds the database for too long", async () => {
    const { child } = startWriter("hang");
    await message(child);
    const driver = openSqlite({ path, busyMs: 100 });
    await expect(count(driver, 1)).rejects.toMatchObject({ code: "STORE_BUSY" });
    expect(await readCount(driver)).toEqual([0, 0]);
    await driver.close();
  });
});

describe("openStore", () => {
  test.each(["", "sub/folder", "named.db", "sub/named.db"])("makes what is missing at %j", async (name) => {
    const driver = await openStore(join(folder, "new", name));
    const rows = await driver.read((sql) => sql.all("SELECT version FROM migrations WHERE version = 1"));
    await driver.close();
    expect(rows).toEqual([{ version: 1 }]);
  });

  test("opens a database in memory, which nobody else sees", async () => {
    const drivers = [await openStore(":memory:"), await openStore(":memory:")];
    await drivers[0]?.transaction((sql) => sql.run("CREATE TABLE mine (id TEXT)"));
    await expect(drivers[1]?.read((sql) => sql.all("SELECT * FROM mine"))).rejects.toThrow("no such table");
    for (const driver of drivers) await driver.close();
  });

  test("says which database cannot be opened", async () => {
    await expect(openStore(join("/dev/null", "x"))).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("/dev/null/x/godwit.db"),
    });
  });
});
