import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildBundle } from "../../src/bundle/build.ts";
import { describeDeployment } from "../../src/bundle/describe.ts";
import { bundleTasks } from "../../src/runner/bundles.ts";
import { Project } from "./project.ts";

const FILES = {
  "main.ts": 'import "./one.ts";\nimport "./two.ts";\n',
  "one.ts": `import { TaskEnvironment } from "godwit";
import { helper } from "./helper.ts";
import { version } from "a-package";
const env = new TaskEnvironment({ name: "one" });
export const task = env.task(async function task(n: number) { return helper(n) + version; });
`,
  "two.ts": `import { defineTask } from "./define.ts";
export const task = defineTask(async function task() { return 2; });
`,
  "define.ts": `import { TaskEnvironment } from "godwit";
const env = new TaskEnvironment({ name: "two" });
export const defineTask = (fn: () => Promise<number>) => env.task(fn);
`,
  "helper.ts": "export const helper = (n: number): number => n + 1;\n",
  "node_modules/a-package/package.json":
    '{ "name": "a-package", "version": "1.0.0", "type": "module", "main": "index.js" }',
  "node_modules/a-package/index.js": "export const version = 1;\n",
};

let project: Project;
let dir: string;

beforeEach(() => {
  project = new Project(FILES);
  dir = mkdtempSync(join(tmpdir(), "godwit-bundles-"));
});

afterEach(async () => {
  project.remove();
  await rm(dir, { recursive: true });
});

async function hashes(of: Project = project): Promise<Record<string, string | null>> {
  const bundle = await buildBundle(of.file("main.ts"));
  const tasks = bundleTasks({ dir, root: of.path, fetch: async () => Buffer.from(bundle.code) });
  const described = await describeDeployment(bundle, await tasks.load(bundle.hash), { nowMs: 0 });
  return Object.fromEntries(described.tasks.map(({ name, code_hash }) => [name, code_hash]));
}

/** Which tasks have another hash after an edit. */
async function changedBy(files: Readonly<Record<string, string>>): Promise<string[]> {
  const before = await hashes();
  project.write(files);
  const after = await hashes();
  return Object.keys(after).filter((name) => after[name] !== before[name]);
}

describe("the code hash of a task", () => {
  test("is the same in another copy of the project", async () => {
    const copy = project.copy();
    expect(await hashes(copy)).toEqual(await hashes());
    copy.remove();
  });

  test.each<[string, Record<string, string>, string[]]>([
    [
      "a helper it imports",
      { "helper.ts": "export const helper = (n: number): number => n + 2;\n" },
      ["one.task"],
    ],
    [
      "a package it imports",
      { "node_modules/a-package/index.js": "export const version = 2;\n" },
      ["one.task"],
    ],
    ["its own module", { "two.ts": FILES["two.ts"].replace("return 2", "return 3") }, ["two.task"]],
    [
      "the helper that defines it",
      { "define.ts": `${FILES["define.ts"]}export const more = 1;\n` },
      ["two.task"],
    ],
  ])("changes with %s, and no other does", async (_, files, changed) => {
    expect(await changedBy(files)).toEqual(changed);
  });

  test.each<[string, Record<string, string>]>([
    [
      "comments and layout",
      { "helper.ts": "// Adds one.\nexport const helper = (n: number): number =>\n  n + 1; /* done */\n" },
    ],
    [
      "types",
      {
        "helper.ts": "interface Unused { a: 1 }\nexport const helper = (n: number & {}): number => n + 1;\n",
      },
    ],
    ["modules it does not reach", { "main.ts": `${FILES["main.ts"]}Object.freeze([]);\n` }],
  ])("does not change with %s", async (_, files) => {
    expect(await changedBy(files)).toEqual([]);
  });
});
