import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildBundle } from "../../src/bundle/build.ts";
import { GodwitError } from "../../src/core/errors.ts";
import { Project } from "./project.ts";

const FILES = {
  "src/tasks.ts": `import { TaskEnvironment } from "godwit";
import { helper } from "./helper.ts";
import { old } from "old-package";
const env = new TaskEnvironment({ name: "demo" });
export const main = env.task(async function main() { return helper() + old(); });
`,
  "src/helper.ts": "export const helper = (): number => 1;\n",
  "node_modules/old-package/package.json":
    '{ "name": "old-package", "version": "1.0.0", "main": "index.js" }',
  "node_modules/old-package/index.js":
    'const path = require("path");\nconst name = ["o", "s"].join("");\nexports.old = () => require(name).EOL.length + path.sep.length;\n',
};

/** The way of packages with an add-on: the path is put together when it is called. */
const SQL = `const path = require("path");
exports.open = () => require(path.join(__dirname, ["build", "Release", "sql.node"].join("/")));
`;

let project: Project;

beforeEach(() => {
  project = new Project(FILES);
});

afterEach(() => project.remove());

async function failure(file: string): Promise<GodwitError> {
  const error: unknown = await buildBundle(project.file(file)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(GodwitError);
  return error as GodwitError;
}

describe("a bundle", () => {
  test("is named by the hash of its bytes", async () => {
    const { hash, code } = await buildBundle(project.file("src/tasks.ts"));
    expect(hash).toBe(createHash("sha256").update(code).digest("hex"));
  });

  test("is the same wherever the project lies and whatever the current directory", async () => {
    const first = await buildBundle(project.file("src/tasks.ts"));
    const copy = project.copy();
    const directory = process.cwd();
    process.chdir(copy.file("src"));
    try {
      const second = await buildBundle("tasks.ts");
      expect(second.code).toBe(first.code);
      expect(second.entries).toEqual(["src/tasks.ts"]);
    } finally {
      process.chdir(directory);
      copy.remove();
    }
    expect(first.code).not.toContain(project.path);
  });

  test("defines its tasks even in a package that says it has no side effects", async () => {
    project.write({ "package.json": '{ "type": "module", "sideEffects": false }' });
    expect((await buildBundle(project.file("src/tasks.ts"))).code).toContain('name: "demo"');
  });

  test("leaves out what the project keeps outside", async () => {
    project.write({ "package.json": '{ "type": "module", "godwit": { "external": ["old-package"] } }' });
    const { code, external } = await buildBundle(project.file("src/tasks.ts"));
    expect(code).toContain('from "old-package"');
    expect(external).toEqual({ "old-package": "1.0.0" });
  });

  test("says which packages it needs from outside, also those of a folder further up", async () => {
    project.write({
      "app/package.json": '{ "name": "app" }',
      "app/tasks.ts":
        'import "node:fs";\nimport { a } from "@scope/up/deep";\nimport "nowhere";\nexport { a };\n',
      "node_modules/@scope/up/package.json": '{ "name": "@scope/up", "version": "2.1.0" }',
    });
    const options = { external: ["@scope/up", "nowhere"] };
    const { external, root } = await buildBundle(project.file("app/tasks.ts"), options);
    expect(root).toBe(project.file("app"));
    expect(external).toEqual({ "@scope/up": "2.1.0", nowhere: "" });
  });

  test("takes a package with an add-on that stays outside, or of which nothing is used", async () => {
    project.write({
      "src/outside.ts": 'import { open } from "fast-sql";\nopen();\n',
      "src/unused.ts": 'import { open } from "fast-sql";\nexport type Open = typeof open;\n',
      "node_modules/fast-sql/package.json": '{ "version": "3.0.0", "gypfile": true, "type": "module" }',
      "node_modules/fast-sql/index.js": "export const open = () => 1;\n",
    });
    const { external } = await buildBundle(project.file("src/outside.ts"), { external: ["fast-sql"] });
    expect(external).toEqual({ "fast-sql": "3.0.0" });
    expect((await buildBundle(project.file("src/unused.ts"))).external).toEqual({});
  });
});

describe("a file that cannot be bundled", () => {
  test("is told with place and line of source", async () => {
    project.write({ "src/broken.ts": "const a = 1;\nconst b = ;\n" });
    const error = await failure("src/broken.ts");
    expect(error.code).toBe("BUNDLE_FAILED");
    expect(error.message).toMatch(/broken\.ts:2:11: Unexpected ";"$/);
    expect(error.details).toMatchObject({ issues: [{ source: "const b = ;", column: 10 }] });
  });

  test.each([
    ["./nowhere.ts", /Check the path/],
    ["nothing-like-it", /`npm install nothing-like-it`/],
    ["@scope/nothing/deep", /`npm install @scope\/nothing`/],
  ])("is told what to do about a missing %s", async (specifier, hint) => {
    project.write({ "src/broken.ts": `import "${specifier}";\n` });
    expect((await failure("src/broken.ts")).hint).toMatch(hint);
  });

  test("is told to keep a native add-on outside", async () => {
    project.write({
      "src/broken.ts": 'import "fast-thing";\n',
      "node_modules/fast-thing/package.json": '{ "name": "fast-thing", "main": "index.js" }',
      "node_modules/fast-thing/index.js": 'module.exports = require("./build/fast.node");\n',
      "node_modules/fast-thing/build/fast.node": "\0",
    });
    const error = await failure("src/broken.ts");
    expect(error.message).toContain("fast-thing has a native add-on, which cannot be bundled");
    expect(error.hint).toContain('"external": ["fast-thing"]');
  });

  test.each<[string, string, Record<string, string>]>([
    ["it depends on bindings", '{ "name": "fast-sql", "dependencies": { "bindings": "1" } }', {}],
    ["`gypfile` in its package.json", '{ "name": "fast-sql", "gypfile": true }', {}],
    ["`binary` in its package.json", '{ "name": "fast-sql", "binary": { "napi_versions": [9] } }', {}],
    ["it is compiled by `node-gyp rebuild`", '{ "scripts": { "install": "node-gyp rebuild" } }', {}],
    ["prebuilds", '{ "name": "fast-sql" }', { "node_modules/fast-sql/prebuilds/linux-x64/sql.node": "\0" }],
  ])("is told of an add-on that is found at run time: %s", async (sign, manifest, more) => {
    project.write({
      "src/broken.ts": 'import { open } from "fast-sql";\nopen();\n',
      "node_modules/fast-sql/package.json": manifest,
      "node_modules/fast-sql/index.js": SQL,
      ...more,
    });
    const error = await failure("src/broken.ts");
    expect(error.message).toBe(`fast-sql has a native add-on (${sign}), which cannot be bundled`);
    expect(error.hint).toContain('"external": ["fast-sql"]');
    expect(error.hint).toContain("`--external fast-sql`");
  });

  test("is told about files that are no code", async () => {
    project.write({ "src/broken.ts": 'import "./notes.md";\n', "src/notes.md": "# Notes\n" });
    const error = await failure("src/broken.ts");
    expect(error.message).toMatch(/src\/notes\.md cannot be bundled: an import takes JavaScript/);
    expect(error.hint).toContain("Read the file at run time");
  });

  test("is told when it is not there, or is a folder", async () => {
    expect((await failure("src/nope.ts")).code).toBe("FILE_NOT_FOUND");
    expect((await failure("src")).message).toContain("is a folder");
  });

  test("is told when its project's settings cannot be read", async () => {
    project.write({ "package.json": '{ "godwit": { "external": "sharp" } }' });
    expect((await failure("src/tasks.ts")).code).toBe("CONFIG_INVALID");
  });
});
