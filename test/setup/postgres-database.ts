import { randomUUID } from "node:crypto";
import postgres from "postgres";
import { afterAll, beforeAll, inject } from "vitest";

/**
 * An empty PostgreSQL database for one test file, dropped after it.
 *
 * @example
 * const database = postgresDatabase();
 * test("…", async () => openPostgres({ url: database.url }))
 */
export function postgresDatabase(): { readonly url: string } {
  let database: Database | undefined;
  beforeAll(async () => {
    database = await newDatabase();
  });
  afterAll(() => database?.drop());
  return {
    get url() {
      if (database === undefined) throw new Error("the database is there from beforeAll to afterAll");
      return database.url;
    },
  };
}

export interface Database {
  readonly url: string;
  drop(): Promise<void>;
}

/** An empty database on the server of this test run; whoever asks for it drops it. */
export async function newDatabase(): Promise<Database> {
  return createDatabase(await serverUrl());
}

/** An own server may be given, for example to see what another version or kind makes of the same SQL. */
async function serverUrl(): Promise<string> {
  const given = process.env.GODWIT_TEST_POSTGRES_URL;
  if (given !== undefined && given !== "") return given;
  const response = await fetch(inject("postgresBroker"));
  const text = await response.text();
  if (!response.ok) throw new Error(`PostgreSQL could not be started: ${text}`);
  return text;
}

/** Makes an empty database on any server. */
export async function createDatabase(server: string): Promise<Database> {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await execute(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => execute(server, `DROP DATABASE ${name} WITH (FORCE)`) };
}

async function execute(server: string, text: string): Promise<void> {
  const sql = postgres(server, { max: 1, fetch_types: false });
  try {
    await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}
