import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPostgres } from "../../src/store/postgres.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { newDatabase } from "../setup/postgres-database.ts";
import { storeContract } from "./contract.ts";

storeContract("sqlite in memory", {
  async create() {
    const driver = openSqlite({ path: ":memory:" });
    return { connect: async () => driver, drop: async () => undefined };
  },
  skip: {
    "carries hints and commits to other connections": "a database in memory has one connection",
  },
});

storeContract("sqlite file", {
  async create() {
    const folder = await mkdtemp(join(tmpdir(), "godwit-store-"));
    const path = join(folder, "godwit.db");
    return {
      // Power loss is not tested here, and syncing takes most of the time.
      connect: async () => openSqlite({ path, synchronous: "off" }),
      drop: () => rm(folder, { recursive: true }),
    };
  },
});

storeContract("postgres", {
  async create() {
    const { url, drop } = await newDatabase();
    return { connect: () => openPostgres({ url }), drop };
  },
});

storeContract("postgres behind a pooler", {
  async create() {
    const { url, drop } = await newDatabase();
    return { connect: () => openPostgres({ url: `${url}?pgbouncer=true` }), drop };
  },
  skip: {
    "carries hints and commits to other connections":
      "a pooler in transaction mode delivers no notifications",
  },
});
