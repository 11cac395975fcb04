import { basename, extname } from "node:path";
import { describe, expect, test } from "vitest";
import { findImports } from "./architecture/imports.ts";
import { checkPurity } from "./architecture/purity.ts";
import { checkImports } from "./architecture/rules.ts";
import { readSelfReferences, readSources } from "./architecture/sources.ts";

const maxLines = 300;
/** Files that may be longer, each with the reason. */
const longFiles: Readonly<Record<string, string>> = {};

const sources = readSources();
const guarded = [...sources].filter(([file]) => /^(src|adapters)\//.test(file));

describe("the repository", () => {
  test("has sources to check", () => {
    expect(sources.size).toBeGreaterThan(0);
  });

  test("imports in one direction only", () => {
    expect(checkImports(sources, readSelfReferences())).toEqual([]);
  });

  test("keeps clocks and chance out of core", () => {
    expect(checkPurity(sources)).toEqual([]);
  });

  test(`keeps every file in src and adapters within ${maxLines} lines`, () => {
    const long = guarded
      .map(([file, text]) => ({ file, lines: text.trimEnd().split("\n").length }))
      .filter(({ lines }) => lines > maxLines);
    expect(long.filter(({ file }) => longFiles[file] === undefined)).toEqual([]);
    expect(Object.keys(longFiles), "an exception that is no longer needed").toEqual(
      Object.keys(longFiles).filter((file) => long.some((one) => one.file === file)),
    );
  });

  test("keeps entry points to wiring", () => {
    const entries = [...sources].filter(([file]) => file.startsWith("functions/"));
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.filter(([, text]) => text.trimEnd().split("\n").length > 60)).toEqual([]);
  });

  test("names files after what they hold", () => {
    const vague = ["utils", "util", "helpers", "helper", "types", "common", "misc"];
    const files = guarded.map(([file]) => file);
    expect(files.filter((file) => vague.includes(basename(file, extname(file))))).toEqual([]);
    expect(files.filter((file) => file.split("/").some((folder) => vague.includes(folder)))).toEqual([]);
  });
});

describe("the import reader", () => {
  test("finds every way to import, with its kind and line", () => {
    const text = [
      'import { a } from "./a.ts";',
      'import type { B } from "./b.ts";',
      'import { type C } from "./c.ts";',
      'import "./d.ts";',
      'export * from "./e.ts";',
      'export type { F } from "./f.ts";',
      'const g = await import("./g.ts");',
      'let h: import("./h.ts").H;',
      '// import "./comment.ts"',
      "const text = 'import \"./text.ts\"';",
    ].join("\n");
    expect(
      findImports("x.ts", text).map(({ specifier, kind, line }) => `${line} ${kind} ${specifier}`),
    ).toEqual([
      "1 static ./a.ts",
      "2 type ./b.ts",
      "3 type ./c.ts",
      "4 static ./d.ts",
      "5 static ./e.ts",
      "6 type ./f.ts",
      "7 dynamic ./g.ts",
      "8 type ./h.ts",
    ]);
  });
});

describe("the import rules", () => {
  const self = new Map([["godwit/local", "src/local/index.ts"]]);
  const check = (files: Record<string, string>) => checkImports(new Map(Object.entries(files)), self);

  test.each<[string, Record<string, string>, string]>([
    [
      "an upward import",
      { "src/core/a.ts": '\nimport "../engine/b.ts";' },
      'src/core/a.ts:2 imports "../engine/b.ts": core imports only itself',
    ],
    [
      "an upward type",
      { "src/ports/a.ts": 'import type { B } from "../engine/b.ts";' },
      "ports imports only itself, core",
    ],
    [
      "an upward import()",
      { "src/engine/a.ts": 'import("../runner/b.ts");' },
      "engine imports only itself, core, ports",
    ],
    ["the engine in the SDK", { "src/sdk/a.ts": 'import "../engine/b.ts";' }, "sdk imports only itself"],
    ["the local system in the SDK", { "src/sdk/a.ts": 'import "godwit/local";' }, "sdk imports only itself"],
    [
      "the store behind the SDK",
      { "src/sdk/a.ts": 'import "../runner/b.ts";', "src/runner/b.ts": 'import "../store/c.ts";' },
      'src/sdk/a.ts:1 imports "../runner/b.ts": sdk never reaches coordinator, engine, store except by import() ' +
        "(by way of src/runner/b.ts → src/store/c.ts)",
    ],
    [
      "I/O in core",
      { "src/core/a.ts": 'import { readFile } from "node:fs";' },
      "core imports nothing with I/O",
    ],
    [
      "async context in core",
      { "src/core/a.ts": 'import "node:async_hooks";' },
      "core imports nothing with I/O",
    ],
    ["Node in the client", { "src/client/a.ts": 'import "node:http";' }, "client uses Web APIs only"],
    [
      "an adapter in src",
      { "src/coordinator/a.ts": 'import "../../adapters/aws/b.ts";' },
      "coordinator imports only",
    ],
    [
      "an adapter in another",
      { "adapters/aws/a.ts": 'import "../gcp/b.ts";' },
      "an adapter never imports another adapter",
    ],
    [
      "a cloud SDK in src",
      { "src/engine/a.ts": 'import("@aws-sdk/client-lambda");' },
      "only adapters/aws knows this cloud's SDK",
    ],
    [
      "a cloud SDK in the wrong adapter",
      { "adapters/aws/a.ts": 'import("@azure/identity");' },
      "only adapters/azure knows",
    ],
    [
      "an eager cloud SDK",
      { "adapters/gcp/a.ts": 'import { Storage } from "@google-cloud/storage";' },
      "loaded by import()",
    ],
    ["a test", { "adapters/aws/a.ts": 'import "../../test/b.ts";' }, "nothing imports test"],
    ["an example", { "functions/aws/a.ts": 'import "../../examples/b.ts";' }, "nothing imports examples"],
    ["a function", { "src/cli/a.ts": 'import "../../functions/node/b.ts";' }, "nothing imports functions"],
    [
      "an area without a row",
      { "src/magic/a.ts": 'import "../core/b.ts";' },
      '"magic" has no row in the import table',
    ],
  ])("forbid %s", (_, files, message) => {
    expect(check(files)).toEqual([expect.stringContaining(message)]);
  });

  test("allow what the table allows", () => {
    const files = {
      "src/core/a.ts": 'import { createHash } from "node:crypto"; import "./b.ts";',
      "src/engine/a.ts": 'import "../store/port.ts"; import "../core/a.ts";',
      "src/sdk/a.ts": 'import("../engine/a.ts"); import("godwit/local"); import "node:async_hooks";',
      "adapters/aws/a.ts":
        'import type { Lambda } from "@aws-sdk/client-lambda"; import("@aws-sdk/client-lambda");',
      "adapters/gcp/a.ts": 'import "../optional-package.ts"; import "../../src/ports/backend.ts";',
      "test/a.ts": 'import "../functions/aws/a.ts"; import "@aws-sdk/client-s3";',
    };
    expect(check(files)).toEqual([]);
  });

  test("forbid a clock and dice in core", () => {
    const core = "const a = Date.now();\nconst b = new Date(a);\nconst c = new Date();\nMath.random();";
    expect(checkPurity(new Map([["src/core/a.ts", core]]))).toEqual([
      "src/core/a.ts:1 uses Date.now(): in core the time is an argument",
      "src/core/a.ts:3 uses new Date(): in core the time is an argument",
      "src/core/a.ts:4 uses Math.random(): in core chance is an argument",
    ]);
  });
});
