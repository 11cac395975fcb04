import type { Dialect, SqlDriver } from "./driver.ts";
import { migration0001 } from "./migrations/0001-engine.ts";
import { migration0002 } from "./migrations/0002-edges.ts";

/** A forward-only step; its statements run in one transaction. A released migration is never edited. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  statements(dialect: Dialect): readonly string[];
}

const MIGRATIONS: readonly Migration[] = [migration0001, migration0002];

/**
 * Brings the database to the newest version. Safe to call from several processes at once: each step runs in a
 * transaction that takes the migration table's lock first, and a step that is already there is skipped.
 */
export async function migrate(driver: SqlDriver): Promise<void> {
  await driver.transaction(async (sql) => {
    await sql.run("CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL)");
  });
  for (const migration of MIGRATIONS) {
    await driver.transaction(async (sql) => {
      await sql.run(sql.dialect.lockMigrations);
      const found = await sql.all("SELECT version FROM migrations WHERE version = $1", migration.version);
      if (found.length > 0) return;
      for (const statement of migration.statements(sql.dialect)) await sql.run(statement);
      await sql.run(
        "INSERT INTO migrations (version, name) VALUES ($1, $2)",
        migration.version,
        migration.name,
      );
    });
  }
}
