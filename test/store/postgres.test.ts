import { createServer } from "node:net";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SqlDriver } from "../../src/store/driver.ts";
import { openStore } from "../../src/store/open.ts";
import { messagesOf } from "../../src/store/postgres/hints.ts";
import { parsePostgresUrl } from "../../src/store/postgres/url.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { postgresDatabase } from "../setup/postgres-database.ts";
import { sleep, unique } from "./contract/host.ts";

const database = postgresDatabase();
let driver: SqlDriver;

beforeAll(async () => {
  driver = await openStore(database.url);
  await driver.transaction((sql) => sql.run("CREATE TABLE numbers (id TEXT PRIMARY KEY, n BIGINT NOT NULL)"));
});
afterAll(() => driver?.close());

async function add(ids: readonly string[], n = 0): Promise<void> {
  await driver.transaction(async (sql) => {
    for (const id of ids) await sql.run("INSERT INTO numbers (id, n) VALUES ($1, $2)", id, n);
  });
}

async function numberOf(id: string): Promise<number | undefined> {
  return (await driver.read((sql) => sql.all<{ n: number }>("SELECT n FROM numbers WHERE id = $1", id)))[0]
    ?.n;
}

describe("transactions", () => {
  test("runs a transaction again that lost a deadlock", async () => {
    const [a, b] = [unique("a"), unique("b")];
    await add([a, b]);
    let attempts = 0;
    const raise = (first: string, second: string): Promise<void> =>
      driver.transaction(async (sql) => {
        attempts += 1;
        await sql.run("UPDATE numbers SET n = n + 1 WHERE id = $1", first);
        await sleep(50);
        await sql.run("UPDATE numbers SET n = n + 1 WHERE id = $1", second);
      });
    await Promise.all([raise(a, b), raise(b, a)]);
    expect(attempts).toBeGreaterThan(2);
    expect([await numberOf(a), await numberOf(b)]).toEqual([2, 2]);
  });

  test("runs a transaction again whose connection was cut, and nothing of it outside", async () => {
    const id = unique("cut");
    await add([id]);
    let attempts = 0;
    await driver.transaction(async (sql) => {
      attempts += 1;
      await sql.run("UPDATE numbers SET n = n + 1 WHERE id = $1", id);
      if (attempts === 1) {
        const [self] = await sql.all<{ pid: number }>("SELECT pg_backend_pid() AS pid");
        await driver.read((other) => other.all("SELECT pg_terminate_backend($1)", self?.pid ?? 0));
        await sleep(50);
      }
      await sql.run("UPDATE numbers SET n = n + 10 WHERE id = $1", id);
    });
    expect(attempts).toBe(2);
    expect(await numberOf(id)).toBe(11);
  });

  test("goes on with new connections after all old ones were cut", async () => {
    await Promise.all(
      Array.from({ length: 5 }, () => driver.read((sql) => sql.all("SELECT pg_sleep(0.02)"))),
    );
    await driver.read((sql) =>
      sql.all(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
      ),
    );
    const rows = await Promise.all(
      Array.from({ length: 12 }, () => driver.transaction((sql) => sql.all("SELECT 1 AS one"))),
    );
    expect(rows).toEqual(rows.map(() => [{ one: 1 }]));
  });

  test("refuses statements after the transaction has ended", async () => {
    let leaked: (() => Promise<unknown>) | undefined;
    await driver.transaction(async (sql) => {
      leaked = () => sql.run("DELETE FROM numbers");
    });
    await expect(leaked?.()).rejects.toThrow("has ended");
  });

  test("keeps the order of statements that nobody waited for", async () => {
    const id = unique("order");
    await driver.transaction(async (sql) => {
      await Promise.all([
        sql.run("INSERT INTO numbers (id, n) VALUES ($1, 1)", id),
        sql.run("UPDATE numbers SET n = n * 10 WHERE id = $1", id),
        sql.run("UPDATE numbers SET n = n + 2 WHERE id = $1", id),
      ]);
    });
    expect(await numberOf(id)).toBe(12);
  });

  test("does not write inside a read", async () => {
    const id = unique("read");
    const writing = driver.read((sql) => sql.run("INSERT INTO numbers (id, n) VALUES ($1, 1)", id));
    await expect(writing).rejects.toThrow("tried to write");
    expect(await numberOf(id)).toBeUndefined();
  });

  test("leaves no setting and no prepared statement behind for a pooler's next client", async () => {
    const pooled = await openPostgres({ url: `${database.url}?prepare=false`, maxConnections: 1 });
    try {
      await pooled.transaction((sql) => sql.all("SELECT id FROM numbers WHERE id = $1", "x"));
      const [state] = await pooled.read(async (sql) => {
        await sql.all("COMMIT");
        return sql.all(
          "SELECT current_setting('enable_seqscan') AS seqscan, (SELECT count(*) FROM pg_prepared_statements WHERE name <> '') AS statements",
        );
      });
      expect(state).toEqual({ seqscan: "on", statements: 0 });
    } finally {
      await pooled.close();
    }
  });
});

describe("connections", () => {
  test("says so when all of them stay in use", async () => {
    const small = await openPostgres({ url: database.url, maxConnections: 2, waitMs: 50 });
    try {
      const busy = [1, 2].map(() => small.read((sql) => sql.all("SELECT pg_sleep(0.3)")));
      await sleep(20);
      await expect(small.read((sql) => sql.all("SELECT 1"))).rejects.toMatchObject({
        code: "STORE_BUSY",
        message: expect.stringContaining("all 2 connections"),
      });
      await Promise.all(busy);
      expect(await small.read((sql) => sql.all("SELECT 1 AS one"))).toEqual([{ one: 1 }]);
    } finally {
      await small.close();
    }
  });

  test("hands a connection to whoever has waited longest", async () => {
    const small = await openPostgres({ url: database.url, maxConnections: 1 });
    const order: number[] = [];
    await Promise.all(
      [1, 2, 3, 4].map((n) =>
        small.transaction(async (sql) => order.push(n, (await sql.all("SELECT 1")).length)),
      ),
    );
    await small.close();
    expect(order).toEqual([1, 1, 2, 1, 3, 1, 4, 1]);
  });

  test("waits for what is under way when it is closed, and takes nothing more", async () => {
    const id = unique("close");
    const closing = await openPostgres({ url: database.url });
    const writing = closing.transaction(async (sql) => {
      await sql.run("INSERT INTO numbers (id, n) VALUES ($1, 1)", id);
      await sleep(50);
      await sql.run("UPDATE numbers SET n = 2 WHERE id = $1", id);
    });
    await sleep(20);
    await closing.close();
    await writing;
    expect(await numberOf(id)).toBe(2);
    await expect(closing.read((sql) => sql.all("SELECT 1"))).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
  });

  test.each([
    ["nobody listens", (url: URL) => Object.assign(url, { port: "1" }), /ECONNREFUSED/],
    [
      "the password is wrong",
      (url: URL) => Object.assign(url, { password: "hunter2" }),
      /authentication failed/,
    ],
    ["the database is missing", (url: URL) => Object.assign(url, { pathname: "/nowhere" }), /does not exist/],
  ])("names the database but never its password when %s", async (_name, change, reason) => {
    const url = change(new URL(database.url));
    const error = await openPostgres({ url: url.href }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", message: expect.stringMatching(reason) });
    expect(String(error)).toContain(`postgres://postgres:***@127.0.0.1:${url.port}${url.pathname}`);
    expect(String(error)).not.toContain(url.password);
  });

  test("does not wait for ever for a server that accepts and hangs up", async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const opening = openPostgres({ url: `postgres://u:p@127.0.0.1:${port}/d`, connectMs: 300 });
    await expect(opening).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    server.close();
  });
});

describe("hints", () => {
  test("reach other connections with their topic, and not their sender", async () => {
    const other = await openPostgres({ url: database.url });
    const heard = { own: [] as string[], other: [] as string[] };
    const stops = [
      driver.watch((topic) => heard.own.push(topic)),
      other.watch((topic) => heard.other.push(topic)),
    ];
    while (heard.own.length === 0 || heard.other.length === 0) await sleep(10);
    expect(heard).toEqual({ own: ["*"], other: ["*"] });
    for (let i = 0; i < 1_000; i++) driver.hint(`pool:${i}`);
    while (heard.other.length < 1_001) await sleep(10);
    expect(new Set(heard.other).size).toBe(1_001);
    expect(heard.own).toEqual(["*"]);
    for (const stop of stops) stop();
    await other.close();
  });

  test("come again after the listening connection was cut", async () => {
    const other = await openPostgres({ url: database.url });
    const heard: string[] = [];
    const stop = other.watch((topic) => heard.push(topic));
    while (heard.length === 0) await sleep(10);
    const sql = postgres(database.url, { max: 1 });
    await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query = 'LISTEN godwit'`;
    await sql.end();
    while (heard.length === 1) await sleep(10);
    expect(heard).toEqual(["*", "*"]);
    other.hint("mine");
    driver.hint("theirs");
    while (heard.length === 2) await sleep(10);
    expect(heard).toEqual(["*", "*", "theirs"]);
    stop();
    await other.close();
  });

  test("are packed into messages that the server takes", () => {
    const topics = Array.from({ length: 500 }, (_, i) => `run:${i} "ü"`);
    const messages = messagesOf("me", topics);
    expect(messages.length).toBeLessThan(5);
    for (const message of messages) expect(Buffer.byteLength(message)).toBeLessThan(8_000);
    expect(messages.flatMap((message) => JSON.parse(message).slice(1))).toEqual(topics);
    expect(messagesOf("me", [])).toEqual([]);
    expect(messagesOf("me", ["x".repeat(9_000)])).toEqual(['["me","*"]']);
    const many = Array.from({ length: 20_000 }, (_, i) => `run:${i}`);
    expect(messagesOf("me", many)).toEqual(['["me","*"]']);
  });
});

describe("URLs", () => {
  test.each([
    ["postgres://u:p@h:5432/d", "postgres://u:p@h:5432/d", undefined],
    ["postgresql://u:p@h/d?prepare=false", "postgresql://u:p@h/d", false],
    ["postgres://u:p@h/d?pgbouncer=true&sslmode=require", "postgres://u:p@h/d?sslmode=require", false],
    [
      "postgres://u:p@h/d?sslmode=require&channel_binding=require",
      "postgres://u:p@h/d?sslmode=require",
      undefined,
    ],
    ["postgres://u:p@h1:1,h2:2/d?prepare=true", "postgres://u:p@h1:1,h2:2/d", true],
  ])("%s", (text, url, prepare) => {
    expect(parsePostgresUrl(text)).toMatchObject({ url, prepare });
  });

  test.each(["postgres://user:pass word@host:x/d", "postgres://user:p@ss/w?rd@host:99999/d"])(
    "are refused without showing the password: %s",
    (text) => {
      expect(() => parsePostgresUrl(text)).toThrow(/user:\*\*\*@host/);
      try {
        parsePostgresUrl(text);
      } catch (error) {
        expect(`${error} ${(error as Error).cause}`).not.toMatch(/pass|p@ss/);
      }
    },
  );
});
