import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../", import.meta.url);

interface Package {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function readJson<Content>(path: string): Content {
  return JSON.parse(readFileSync(new URL(path, root), "utf8")) as Content;
}

const { packages } = readJson<{ packages: Readonly<Record<string, Package>> }>("package-lock.json");

test("locks packages by content, not by the registry they came from", () => {
  expect(Object.keys(packages).filter((path) => packages[path]?.resolved !== undefined)).toEqual([]);
});

test("locks the optional packages of every platform, which npm ci insists on", () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => path !== "" && !packages[`${path}/node_modules/${name}`] && !packages[`node_modules/${name}`],
    ),
  );
  expect(missing).toEqual([]);
});

test("has a source file and a build for every public entry", () => {
  type Entry = { readonly source: string; readonly types: string; readonly default: string };
  const { exports } = readJson<{ exports: Readonly<Record<string, string | Entry>> }>("package.json");
  const entries = Object.values(exports).filter((entry) => typeof entry !== "string");
  for (const { source, types, default: built } of entries) {
    expect(existsSync(new URL(source, root)), source).toBe(true);
    expect([types, built]).toEqual(
      [".d.ts", ".js"].map((end) => source.replace("./", "./dist/").replace(/\.ts$/, end)),
    );
  }
});
