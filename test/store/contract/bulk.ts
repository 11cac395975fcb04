import { expect } from "vitest";
import { insertActions, readActions, readInputs } from "../../../src/store/actions.ts";
import type { BulkStatement, SqlDriver, SqlRow } from "../../../src/store/driver.ts";
import { type Store, unique } from "./host.ts";
import { insertSampleRun, sampleAction, withoutValues } from "./samples.ts";

const columns = { id: "text", n: "int", x: "real", t: "text" } as const;

const insert: BulkStatement = {
  columns,
  key: ["id"],
  text: (rows) =>
    `INSERT INTO scratch (id, n, x, t) SELECT r.id, r.n, r.x, r.t FROM ${rows} WHERE true ON CONFLICT DO NOTHING`,
};
/** Only upwards: the second of two equal rows has no effect. */
const raise: BulkStatement = {
  columns: { id: "text", n: "int" },
  key: ["id"],
  text: (rows) => `UPDATE scratch SET n = r.n FROM ${rows} WHERE scratch.id = r.id AND scratch.n < r.n`,
};
const remove: BulkStatement = {
  columns: { id: "text" },
  text: (rows) => `DELETE FROM scratch WHERE id IN (SELECT r.id FROM ${rows})`,
};
const select: BulkStatement = {
  columns: { id: "text" },
  text: (rows) =>
    `SELECT s.id AS id, s.n AS n, s.x AS x, s.t AS t FROM ${rows} JOIN scratch s ON s.id = r.id`,
};

type Scratch = { id: string; n: number | null; x: number | null; t: string | null };

export function bulkContract(store: Store): void {
  const { it } = store;

  async function scratch(): Promise<SqlDriver> {
    await store.driver.transaction(async (sql) => {
      await sql.run(
        `CREATE TABLE IF NOT EXISTS scratch (id TEXT${sql.dialect.binary} PRIMARY KEY, n BIGINT, x DOUBLE PRECISION, t TEXT)`,
      );
    });
    return store.driver;
  }

  function row(over: Partial<Scratch> = {}): Scratch {
    return { id: unique("s"), n: 1, x: 0.5, t: "text", ...over };
  }

  async function write(rows: readonly Scratch[]): Promise<boolean[]> {
    const driver = await scratch();
    return driver.transaction((sql) => sql.bulk(insert, rows as unknown as SqlRow[]));
  }

  async function read(rows: readonly Scratch[]): Promise<(Scratch | undefined)[]> {
    const found = await store.driver.read((sql) =>
      sql.bulkAll<Scratch>(
        select,
        rows.map(({ id }) => ({ id })),
      ),
    );
    return rows.map(({ id }) => found.find((item) => item.id === id));
  }

  it("tells which rows were new", async () => {
    const rows = [row(), row(), row()];
    expect(await write(rows.slice(0, 1))).toEqual([true]);
    expect(await write(rows)).toEqual([false, true, true]);
    expect(await read(rows)).toEqual(rows);
  });

  it("takes the first of rows that are equal", async () => {
    const one = row({ t: "first" });
    expect(await write([one, { ...one, t: "second" }, row()])).toEqual([true, false, true]);
    expect(await read([one])).toEqual([one]);
  });

  it("tells which rows an update changed, as if they came one by one", async () => {
    const [a, b] = [row({ n: 5 }), row({ n: 5 })];
    await write([a, b]);
    const changes = [
      { id: a.id, n: 7 },
      { id: b.id, n: 4 },
      { id: a.id, n: 9 },
      { id: a.id, n: 8 },
      { id: unique("none"), n: 1 },
    ];
    const applied = await store.driver.transaction((sql) => sql.bulk(raise, changes));
    expect(applied).toEqual([true, false, true, false, false]);
    expect((await read([a, b])).map((item) => item?.n)).toEqual([9, 5]);
  });

  it("deletes by key", async () => {
    const rows = [row(), row()];
    await write(rows);
    await store.driver.transaction((sql) => sql.bulk(remove, [{ id: rows[0]?.id ?? "" }]));
    expect(await read(rows)).toEqual([undefined, rows[1]]);
  });

  it("does nothing with no rows", async () => {
    await scratch();
    expect(await store.driver.transaction((sql) => sql.bulk(insert, []))).toEqual([]);
    expect(await store.driver.read((sql) => sql.bulkAll(select, []))).toEqual([]);
  });

  it("gives a row as often as it is asked for", async () => {
    const one = row();
    await write([one]);
    const found = await store.driver.read((sql) => sql.bulkAll(select, [{ id: one.id }, { id: one.id }]));
    expect(found).toEqual([one, one]);
  });

  it("carries numbers and null unchanged", async () => {
    const ints = [0, -1, 2 ** 31, -(2 ** 31) - 1, 1_760_000_000_000, Number.MAX_SAFE_INTEGER, null];
    const reals = [0.1 + 0.2, 1 / 3, 1e-300, -1.5e300, 12_345_678.000_000_1, 0, null];
    const rows = ints.map((n, i) => row({ n, x: reals[i] ?? null }));
    await write(rows);
    expect(await read(rows)).toEqual(rows);
  });

  it("carries text unchanged", async () => {
    const texts = [
      "",
      " ",
      "NULL",
      "{}",
      '{"a":"b,c\\"d"}',
      "back\\slash \\\\ \\n",
      "it's 'quoted' \"twice\"",
      "line\nbreak\ttab\r",
      "a,b;c",
      "Ünïcödé 漢字 🦆 e\u0301",
      "\u2028\uFEFF",
      "$1 ?1 :name @x",
      "x".repeat(100_000),
    ];
    const rows = texts.map((t) => row({ t }));
    await write(rows);
    expect(await read(rows)).toEqual(rows);
    const single = row({ t: texts.join("|") });
    await store.driver.transaction((sql) =>
      sql.run("INSERT INTO scratch (id, n, x, t) VALUES ($1, $2, $3, $4)", single.id, 1, 0.5, single.t),
    );
    expect(await read([single])).toEqual([single]);
  });

  it("keeps text with NUL or half a surrogate pair, with at most these characters replaced", async () => {
    const rows = [row({ t: "a\0b" }), row({ t: "\0" }), row({ t: "x\uD800y" })];
    expect(await write(rows)).toEqual([true, true, true]);
    const found = (await read(rows)).map((item) => item?.t);
    expect(found.map((t) => t?.replaceAll("\0", "\uFFFD"))).toEqual(["a\uFFFDb", "\uFFFD", "x\uFFFDy"]);
  });

  it("orders binary text by its bytes", async () => {
    const prefix = unique("o");
    const rows = ["a", "B", "_", "Z", "é", "0", "b"].map((end) => row({ id: `${prefix}${end}` }));
    await write(rows);
    const found = await store.driver.read((sql) =>
      sql.all<{ id: string }>(
        "SELECT id FROM scratch WHERE id >= $1 AND id < $2 ORDER BY id",
        prefix,
        `${prefix}\u{10FFFF}`,
      ),
    );
    expect(found.map(({ id }) => id.slice(prefix.length))).toEqual(["0", "B", "Z", "_", "a", "b", "é"]);
  });

  it("takes 5,000 actions at once", async () => {
    const run = await insertSampleRun(store.driver);
    const input = JSON.stringify({ text: 'some "quoted" input '.repeat(10) });
    const rows = Array.from({ length: 5_000 }, (_, i) => sampleAction(run, `c${i}`, { ordinal: i, input }));
    expect(await store.driver.transaction((sql) => insertActions(sql, rows))).toEqual(rows.map(() => true));
    const again = await store.driver.transaction((sql) =>
      insertActions(sql, [...rows.slice(4_990), sampleAction(run, "new")]),
    );
    expect(again).toEqual([...rows.slice(4_990).map(() => false), true]);
    const keys = rows.map(({ run_id, id }) => ({ run_id, action_id: id }));
    const found = await store.driver.read((sql) => readActions(sql, keys));
    const byId = new Map(found.map((item) => [item.id, item]));
    expect(byId.size).toBe(5_000);
    expect(byId.get("c4999")).toEqual(withoutValues(rows[4_999] ?? sampleAction(run, "")));
    expect(await store.driver.read((sql) => readInputs(sql, keys.slice(0, 1)))).toEqual([
      { run_id: run, id: "c0", input },
    ]);
  });
}
