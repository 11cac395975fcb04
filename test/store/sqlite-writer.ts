import type { SqlDriver } from "../../src/store/driver.ts";
import { openSqlite } from "../../src/store/sqlite.ts";

/** Raises two counters together, `times` times, each time reading what it raises. */
export async function count(driver: SqlDriver, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await driver.transaction(async (sql) => {
      const [row] = await sql.all<{ n: number }>("SELECT n FROM counters WHERE id = 'a'");
      await sql.run("UPDATE counters SET n = $1 WHERE id = 'a'", (row?.n ?? 0) + 1);
      await sql.run("UPDATE counters SET n = n + 1 WHERE id = 'b'");
    });
  }
}

/** Both counters; they are equal whenever a transaction is all or nothing. */
export function readCount(driver: SqlDriver): Promise<number[]> {
  return driver.read(async (sql) =>
    (await sql.all<{ n: number }>("SELECT n FROM counters ORDER BY id")).map((row) => row.n),
  );
}

async function main([path = "", what, times]: string[]): Promise<void> {
  const driver = openSqlite({ path });
  // Nothing is left running when the test is gone.
  process.on("disconnect", () => process.exit());
  if (what === "count") {
    await count(driver, 1);
    process.send?.("counting");
    await count(driver, Number(times) - 1);
    await driver.close();
    process.disconnect();
  } else {
    await driver.transaction(async (sql) => {
      await sql.run("UPDATE counters SET n = n + 1000 WHERE id = 'a'");
      process.send?.("in a transaction");
      await new Promise(() => undefined);
    });
  }
}

// Also imported by the test, which has no arguments for it.
if (import.meta.filename === process.argv[1]) await main(process.argv.slice(2));
