import { afterEach, beforeEach, describe, expect, test } from "vitest";
import "./kept-bundles.ts";
import { type BuiltEnvironment, buildEnvironments, withDependencies } from "../../src/bundle/environments.ts";
import { loadFile } from "../../src/bundle/load.ts";
import { Project } from "./project.ts";

const FILES = {
  "main.ts": 'import "./etl.ts";\nimport "./models/train.ts";\nimport "./models/predict.ts";\n',
  "etl.ts": `import { TaskEnvironment } from "godwit";
import { clean } from "./clean.ts";
import { models } from "./models/env.ts";
const env = new TaskEnvironment({ name: "etl", env: { LEVEL: "debug" }, description: "Loads", dependsOn: [models] });
export const load = env.task({ retries: 2 }, async function load(n: number) { return clean(n); });
`,
  "clean.ts": "export const clean = (n: number): number => n + 1;\n",
  "models/env.ts": `import { TaskEnvironment } from "godwit";
export const models = new TaskEnvironment({ name: "models" });
`,
  "models/train.ts": `import { models } from "./env.ts";
export const train = models.task(async function train(n: number) { return n * 2; });
`,
  "models/predict.ts": `import { models } from "./env.ts";
export const predict = models.task(async function predict(n: number) { return n * 3; });
`,
};

let project: Project;

beforeEach(() => {
  project = new Project(FILES);
});

afterEach(() => project.remove());

async function build(
  of: Project = project,
  names?: readonly string[],
): Promise<Map<string, BuiltEnvironment>> {
  const file = await loadFile(of.file("main.ts"));
  const all = names ?? [...new Set(file.registry.list().map((task) => task.environment.name))];
  const built = await buildEnvironments(file, all);
  return new Map(built.map((environment) => [environment.deployed.name, environment]));
}

/** The environments that are deployed with other code, or described otherwise, after an edit. */
async function changedBy(files: Readonly<Record<string, string>>): Promise<string[]> {
  const before = await build();
  project.write(files);
  const after = await build();
  const text = (built: ReadonlyMap<string, BuiltEnvironment>, name: string): string =>
    JSON.stringify(built.get(name)?.deployed);
  return [...after.keys()].filter((name) => text(after, name) !== text(before, name));
}

describe("the bundle of an environment", () => {
  test("has the modules that define its tasks, and what they import", async () => {
    const built = await build();
    expect(built.get("etl")?.bundle.entries).toEqual(["etl.ts"]);
    expect(built.get("models")?.bundle.entries).toEqual(["models/predict.ts", "models/train.ts"]);
    expect(built.get("models")?.bundle.code).not.toContain("clean");
    expect(built.get("etl")?.bundle.code).not.toContain("n * 2");
  });

  test.each<[string, Record<string, string>, string[]]>([
    ["a helper of etl", { "clean.ts": "export const clean = (n: number): number => n + 2;\n" }, ["etl"]],
    [
      "a task of models",
      { "models/train.ts": FILES["models/train.ts"].replace("n * 2", "n * 4") },
      ["models"],
    ],
    [
      "what both import",
      { "models/env.ts": FILES["models/env.ts"].replace('"models"', '"models", retries: 1') },
      ["etl", "models"],
    ],
    ["the file that only imports them", { "main.ts": `${FILES["main.ts"]}Object.freeze([]);\n` }, []],
    ["a module that nobody imports", { "other.ts": "export const other = 1;\n" }, []],
  ])("is another after an edit of %s, and no other is", async (_, files, changed) => {
    expect(await changedBy(files)).toEqual(changed);
  });

  test("has the same bytes wherever the project lies", async () => {
    const copy = project.copy();
    const [here, there] = [await build(), await build(copy)];
    for (const [name, { bundle }] of here) expect(there.get(name)?.bundle.code).toBe(bundle.code);
    copy.remove();
  });

  test("is shared by environments that are defined in the same modules", async () => {
    project.write({
      "main.ts": 'import "./both.ts";\n',
      "both.ts": `import { TaskEnvironment } from "godwit";
export const one = new TaskEnvironment({ name: "one" }).task(async function a() { return 1; });
export const two = new TaskEnvironment({ name: "two" }).task(async function b() { return 2; });
`,
    });
    const built = await build();
    expect(built.get("one")?.bundle).toBe(built.get("two")?.bundle);
    expect(built.get("one")?.deployed.tasks.map(({ name }) => name)).toEqual(["one.a"]);
  });

  test("is the whole file's where its own modules alone do not define the tasks", async () => {
    project.write({
      "main.ts": `import { define } from "./define.ts";
await define(["a", "b"]);
`,
      "define.ts": `import { TaskEnvironment } from "godwit";
export const env = new TaskEnvironment({ name: "loop" });
export const define = async (names: string[]): Promise<void> => {
  await Promise.resolve();
  await Promise.resolve();
  for (const name of names) env.task({ name }, async () => name);
};
`,
    });
    const built = await build();
    expect(built.get("loop")?.bundle.entries).toContain("main.ts");
    expect(built.get("loop")?.deployed.tasks.map(({ name }) => name)).toEqual(["loop.a", "loop.b"]);
  });
});

describe("an environment as it is deployed", () => {
  test("says what it shares, what it depends on, and what its tasks are", async () => {
    const etl = (await build()).get("etl")?.deployed;
    expect(etl).toMatchObject({
      name: "etl",
      description: "Loads",
      env: { LEVEL: "debug" },
      dependsOn: ["models"],
      tasks: [{ name: "etl.load", options: { retries: { count: 2 } } }],
    });
    expect(etl?.tasks[0]?.codeHash).toMatch(/^[0-9a-f]{64}$/);
  });

  test("comes with all it depends on, also over others and in circles; without what has no tasks", async () => {
    project.write({
      "main.ts": `import { TaskEnvironment } from "godwit";
const empty = new TaskEnvironment({ name: "empty" });
const c = new TaskEnvironment({ name: "c", dependsOn: () => [a] });
const b = new TaskEnvironment({ name: "b", dependsOn: [c, empty] });
const a = new TaskEnvironment({ name: "a", dependsOn: [b] });
const alone = new TaskEnvironment({ name: "alone" });
for (const env of [a, b, c, alone]) env.task({ name: "t" }, async () => 1);
`,
    });
    const { registry } = await loadFile(project.file("main.ts"));
    expect(withDependencies(registry, ["b"])).toEqual(["a", "b", "c"]);
    const built = await build(project, ["a", "c"]);
    expect(built.get("a")?.deployed.dependsOn).toEqual(["b", "c"]);
    expect(built.get("c")?.deployed.dependsOn).toEqual(["a", "b"]);
  });
});
