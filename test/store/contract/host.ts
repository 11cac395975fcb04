import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, test } from "vitest";
import type { SqlDriver } from "../../../src/store/driver.ts";
import { migrate } from "../../../src/store/migrate.ts";

/** A kind of database that the contract is held against. */
export interface StoreHost {
  /** Makes an empty database. */
  create(): Promise<EmptyDatabase>;
  /** Tests of the contract that this kind cannot pass, with the reason. */
  readonly skip?: Readonly<Record<string, string>>;
}

export interface EmptyDatabase {
  /** Connects as one more process would; where there is only one connection, gives that one again. */
  connect(): Promise<SqlDriver>;
  /** After all its drivers were closed. */
  drop(): Promise<void>;
}

export interface Store {
  readonly host: StoreHost;
  /** Two connections to one migrated database; the same one twice where there is only one. */
  readonly driver: SqlDriver;
  readonly other: SqlDriver;
  /** Defines a test unless the host skips it. */
  it(name: string, run: () => Promise<void>): void;
}

/** One database for all tests of a suite; they keep apart by the ids they choose. */
export function useStore(host: StoreHost): Store {
  let database: EmptyDatabase | undefined;
  let drivers: SqlDriver[] = [];
  beforeAll(async () => {
    database = await host.create();
    drivers = [await database.connect(), await database.connect()];
    await migrate(drivers[0] as SqlDriver);
  });
  afterAll(async () => {
    for (const driver of new Set(drivers)) await driver.close();
    await database?.drop();
  });
  return {
    host,
    get driver() {
      return drivers[0] as SqlDriver;
    },
    get other() {
      return drivers[1] as SqlDriver;
    },
    it(name, run) {
      const reason = host.skip?.[name];
      if (reason === undefined) test(name, run);
      else test.skip(`${name} (${reason})`, run);
    },
  };
}

/** An id that nobody else uses. */
export function unique(prefix: string): string {
  return `${prefix}${randomBytes(6).toString("hex")}`;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
