import { afterEach, expect, test } from "vitest";
import "./kept-bundles.ts";
import { loadFile } from "../../src/bundle/load.ts";
import { refuseMissingDependencies } from "../../src/bundle/missing-dependencies.ts";
import { GodwitError } from "../../src/core/errors.ts";
import { Project } from "./project.ts";

const projects: Project[] = [];

afterEach(() => {
  for (const project of projects.splice(0)) project.remove();
});

/** The calls that are refused, as `caller callee line`. */
async function refused(
  files: Readonly<Record<string, string>>,
  environments: readonly string[] = ["a"],
): Promise<string[]> {
  const project = new Project(files);
  projects.push(project);
  const file = await loadFile(project.file("main.ts"));
  const error: unknown = await refuseMissingDependencies(file, environments).catch(
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return [];
  expect(error).toBeInstanceOf(GodwitError);
  expect((error as GodwitError).code).toBe("DEPENDENCY_MISSING");
  const { calls } = (error as GodwitError).details as {
    calls: { caller: string; callee: string; place: string }[];
  };
  return calls.map(({ caller, callee, place }) => `${caller} ${callee} ${/[\w-]+\.ts:\d+/.exec(place)?.[0]}`);
}

const ENVS = `import { map, run, TaskEnvironment, trace } from "godwit";
const a = new TaskEnvironment({ name: "a" });
const b = new TaskEnvironment({ name: "b" });
const other = b.task(async function other(n: number) { return n; });
`;

test("tells caller, callee, both environments, the place and what to do", async () => {
  const project = new Project({
    "main.ts": `${ENVS}export const main = a.task(async function main(n: number) { return other(n); });\n`,
  });
  projects.push(project);
  const file = await loadFile(project.file("main.ts"));
  const refusal = refuseMissingDependencies(file, ["a", "b"]);
  await expect(refusal).rejects.toThrow(
    /^`a\.main` calls `b\.other` \(.*main\.ts:5:68\), but the environment `a` does not depend on `b`$/,
  );
  await expect(refusal).rejects.toMatchObject({ hint: expect.stringContaining("`dependsOn: [b]`") });
});

test.each<[string, string]>([
  ["a call", "a.task(async function main(n: number) { return other(n); })"],
  [
    "a call in a closure",
    "a.task(async function main(ns: number[]) { return Promise.all(ns.map((n) => other(n))); })",
  ],
  ["a callback of `map`", "a.task(async function main(ns: number[]) { return Promise.all(ns.map(other)); })"],
  ["Godwit's `map`", "a.task(async function main(ns: number[]) { return map(other, ns); })"],
  ["an override", "a.task(async function main(n: number) { return other.override({ retries: 1 })(n); })"],
  [
    "an override with a name",
    "a.task(async function main(n: number) { const o = other.override({ retries: 1 }); return o(n); })",
  ],
  ["a function in settings' place", "a.task({ name: 'main', retries: 1 }, async (n: number) => other(n))"],
  [
    "a wrapped function",
    "a.task({ name: 'main' }, ((fn: (n: number) => unknown) => async (n: number) => fn(n))(async (n: number) => other(n)))",
  ],
  [
    "an arrow in a branch",
    "a.task(async function main(n: number) { if (n > 1) { try { return await other(n); } catch { return 0; } } return n; })",
  ],
])("finds %s", async (_, task) => {
  const files = { "main.ts": `${ENVS}export const main = ${task};\n` };
  expect(await refused(files)).toEqual(["a.main b.other main.ts:5"]);
});

test.each<[string, string, string]>([
  ["a function", "async function helper(n: number) { return other(n); }", "helper(n)"],
  ["an arrow function", "const helper = async (n: number) => other(n);", "helper(n)"],
  [
    "two functions",
    "const inner = (n: number) => other(n); async function helper(n: number) { return inner(n); }",
    "helper(n)",
  ],
  ["a callback", "const helper = (n: number) => other(n);", "Promise.all([n].map(helper))"],
  ["another name", "const alias = other;", "alias(n)"],
  ["another name with other settings", "const alias = other.override({ retries: 2 });", "alias(n)"],
])("finds a call over %s", async (_, helper, call) => {
  const files = {
    "main.ts": `${ENVS}${helper}\nexport const main = a.task(async function main(n: number) { return ${call}; });\n`,
  };
  const [found, ...more] = await refused(files);
  expect(found).toMatch(/^a\.main b\.other main\.ts:[56]$/);
  expect(more).toEqual([]);
});

test("finds calls over files, helpers that define tasks, and names that collide", async () => {
  const files = {
    "main.ts": `import { TaskEnvironment } from "godwit";
import { fetchAll } from "./helper.ts";
const a = new TaskEnvironment({ name: "a" });
const work = (n: number): number => n;
export const main = a.task(async function main(n: number) { return fetchAll([work(n)]); });
`,
    "helper.ts": `import * as tasks from "./tasks.ts";
export async function fetchAll(ns: number[]): Promise<number[]> {
  return Promise.all(ns.map((n) => tasks.work(n)));
}
`,
    "tasks.ts": `import { TaskEnvironment } from "godwit";
const env = new TaskEnvironment({ name: "b" });
function define(fn: (n: number) => Promise<number>) { return env.task({ retries: 1 }, fn); }
export const work = define(async function work(n: number) { return n; });
`,
  };
  expect(await refused(files)).toEqual(["a.main b.work helper.ts:3"]);
  expect(await refused(files, ["b"])).toEqual([]);
});

test("tells every pair once, the caller's own file first", async () => {
  const files = {
    "main.ts": `${ENVS}const c = new TaskEnvironment({ name: "c" });
const third = c.task(async function third(n: number) { return other(n); });
export const main = a.task(async function main(n: number) { await other(n); await other(n + 1); return third(n); });
export const more = a.task(async function more(n: number) { return main(n); });
`,
  };
  expect(await refused(files, ["a"])).toEqual(["a.main b.other main.ts:7", "a.main c.third main.ts:7"]);
  expect(await refused(files, ["a", "b", "c"])).toHaveLength(3);
});

test.each<[string, string]>([
  ["directly", "const a = new TaskEnvironment({ name: 'a', dependsOn: [b] });"],
  [
    "over another one",
    "const c = new TaskEnvironment({ name: 'c', dependsOn: [b] }); c.task(async function t() {}); const a = new TaskEnvironment({ name: 'a', dependsOn: [c] });",
  ],
  ["later", "const a = new TaskEnvironment({ name: 'a', dependsOn: () => [b] });"],
])("accepts what the environment depends on %s", async (_, definition) => {
  const text = ENVS.replace('const a = new TaskEnvironment({ name: "a" });\n', "");
  const task = "export const main = a.task(async function main(n: number) { return other(n); });";
  expect(await refused({ "main.ts": `${text}${definition}\n${task}\n` })).toEqual([]);
});

test.each<[string, string]>([
  [
    "a parameter of the same name",
    "export const main = a.task(async function main({ other }: { other: (n: number) => number }) { return other(1); });",
  ],
  [
    "a local of the same name",
    "export const main = a.task(async function main(n: number) { const other = (m: number) => m; return other(n); });",
  ],
  [
    "a local in an inner block",
    "export const main = a.task(async function main(n: number) { { const other = (m: number) => m; return other(n); } });",
  ],
  [
    "a method of the same name",
    "const api = { other: (n: number) => n }; export const main = a.task(async function main(n: number) { return api.other(n); });",
  ],
  [
    "a run of its own",
    "export const main = a.task(async function main(n: number) { return (await run(other, n)).id; });",
  ],
  ["its name", "export const main = a.task(async function main() { return other.fullName; });"],
  [
    "a call outside of any task",
    "export const main = a.task(async function main() { return 1; });\nexport const early = (n: number) => other(n);",
  ],
  [
    "a call while the module is loaded",
    "const known = other(1);\nexport const main = a.task(async function main() { return known; });",
  ],
  [
    "a table of tasks",
    "const table = { other, own: a.task(async function own(n: number) { return n; }) };\nexport const main = a.task(async function main(n: number) { return table.own(n); });",
  ],
  [
    "a variable that is set again",
    "let step = other as (n: number) => PromiseLike<number>; step = async (n) => n;\nexport const main = a.task(async function main(n: number) { return step(n); });",
  ],
  [
    "a parameter that is given the task",
    "const twice = (fn: (n: number) => number, n: number) => fn(fn(n));\nexport const main = a.task(async function main(n: number) { return twice((m) => m, n); });\nexport const unused = () => twice(other as never, 1);",
  ],
  [
    "a variable that a loop sets",
    "const steps: ((n: number) => PromiseLike<number>)[] = [];\nfor (const name of ['x', 'y']) { const step = b.task({ name }, async (n: number) => n); steps.push(step); }\nexport const main = a.task(async function main(n: number) { return steps[0]?.(n); });",
  ],
  [
    "a remote task",
    "export const main = a.task(async function main(n: number) { return remote.task<typeof other>('b.other')(n); });",
  ],
  [
    "a class that is not used",
    "export class Service { go(n: number) { return other(n); } }\nexport const main = a.task(async function main(n: number) { return n; });",
  ],
])("is not alarmed by %s", async (_, code) => {
  const imports = code.includes("remote.task") ? ENVS.replace("run,", "remote, run,") : ENVS;
  expect(await refused({ "main.ts": `${imports}void trace;\nvoid map;\nvoid run;\n${code}\n` })).toEqual([]);
});
