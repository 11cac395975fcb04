import { DatabaseSync } from "node:sqlite";
import { expect, test, vi } from "vitest";
import { Connection } from "../../src/store/sqlite/connection.ts";
import { place } from "../../src/store/sqlite/placeholders.ts";

test.each([
  ["SELECT $2, $1, $2", "SELECT ?, ?, ?", [1, 0, 1]],
  ["SELECT a FROM t WHERE b = $10 AND c = $1", "SELECT a FROM t WHERE b = ? AND c = ?", [9, 0]],
  ["SELECT ?1 AS a, ?2 AS b", "SELECT ? AS a, ? AS b", [0, 1]],
  ["SELECT value FROM json_each($1, '$.list')", "SELECT value FROM json_each(?, '$.list')", [0]],
  ["SELECT 1", "SELECT 1", []],
])("%s has its values in the order of their places", (sql, text, order) => {
  expect(place(sql)).toEqual({ text, order });
});

test("no statement has parameters with numbers, whose values Node 22 does not find", async () => {
  const database = new DatabaseSync(":memory:");
  const prepare = vi.spyOn(database, "prepare");
  const connection = new Connection(database);
  await connection.run("CREATE TABLE t (a TEXT, b TEXT)");
  const insert = {
    columns: { a: "text", b: "text" } as const,
    text: (rows: string) => `INSERT INTO t (a, b) SELECT r.b, r.a FROM ${rows} WHERE r.a = r.a`,
  };
  await connection.bulk(insert, [{ a: "one", b: "two" }]);
  expect(await connection.all("SELECT a, b FROM t WHERE b = $2 AND a = $1 AND b = $2", "two", "one")).toEqual(
    [{ a: "two", b: "one" }],
  );
  const texts = prepare.mock.calls.map(([text]) => text);
  expect(texts).toHaveLength(3);
  expect(texts.filter((text) => /[$?:@]\w/.test(text))).toEqual([]);
  connection.close();
});
