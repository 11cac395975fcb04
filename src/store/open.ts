import { mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { GodwitError } from "../core/errors.ts";
import type { SqlDriver } from "./driver.ts";
import { migrate } from "./migrate.ts";

/**
 * Opens the store at a location and brings it to the newest version. A `postgres://` URL is a PostgreSQL database,
 * `:memory:` an SQLite one that is gone on close, a path that ends in `.db` a file, and any other path a folder
 * that holds (or is given) the file `godwit.db`.
 */
export async function openStore(
  location: string,
  options: { readonly onLog?: (message: string) => void } = {},
): Promise<SqlDriver> {
  const driver = await openDriver(location, options);
  try {
    await migrate(driver);
    return driver;
  } catch (error) {
    await driver.close();
    throw error;
  }
}

async function openDriver(
  location: string,
  options: { readonly onLog?: (message: string) => void },
): Promise<SqlDriver> {
  if (/^postgres(ql)?:\/\//.test(location)) {
    const { openPostgres } = await import("./postgres.ts");
    return openPostgres({ url: location, ...options });
  }
  const { openSqlite } = await import("./sqlite.ts");
  if (location === ":memory:") return openSqlite({ path: location });
  const path = location.endsWith(".db") || isFile(location) ? location : join(location, "godwit.db");
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSqlite({ path });
  } catch (error) {
    throw new GodwitError("STORE_UNAVAILABLE", `the database ${path} cannot be opened: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
