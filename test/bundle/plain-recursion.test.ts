import { afterEach, expect, test } from "vitest";
import "./kept-bundles.ts";
import { findPlainRecursion } from "../../src/bundle/calls/plain-recursion.ts";
import { loadFile } from "../../src/bundle/load.ts";
import { Project } from "./project.ts";

const projects: Project[] = [];

afterEach(() => {
  for (const project of projects.splice(0)) project.remove();
});

async function found(task: string): Promise<string[]> {
  const project = new Project({
    "main.ts": `import { type Task, TaskEnvironment } from "godwit";
const env = new TaskEnvironment({ name: "e" });
${task}
`,
  });
  projects.push(project);
  const { bundle, registry } = await loadFile(project.file("main.ts"));
  const recursions = await findPlainRecursion(bundle, registry.list());
  return recursions.map(({ task: { name }, place }) => `${name} ${place?.path}:${place?.line}`);
}

test.each<[string, string]>([
  [
    "under its own name",
    "export const fib = env.task(async function fib(n: number): Promise<number> {\n  return n < 2 ? n : (await fib(n - 1)) + (await fib(n - 2));\n});",
  ],
  [
    "under another name",
    "export const fibTask = env.task({ name: 'fib' }, async function fib(n: number): Promise<number> {\n  return n < 2 ? n : fib(n - 1);\n});",
  ],
  [
    "in a closure",
    "export const fib = env.task(async function fib(n: number): Promise<number> {\n  return (await Promise.all([n - 1, n - 2].map((m) => fib(m)))).length;\n});",
  ],
])("finds a task that calls its function %s", async (_, task) => {
  expect(await found(task)).toEqual(["e.fib main.ts:4"]);
});

test.each<[string, string]>([
  [
    "the task, by the name it is kept under",
    "export const fibTask: Task<number, number> = env.task(async function fib(n: number): Promise<number> {\n  return n < 2 ? n : fibTask(n - 1);\n});",
  ],
  [
    "the task, from an arrow function",
    "export const fib: Task<number, number> = env.task({ name: 'fib' }, async (n: number): Promise<number> => (n < 2 ? n : fib(n - 1)));",
  ],
  [
    "a local of that name",
    "export const fib = env.task(async function fib(n: number): Promise<number> {\n  const fib = (m: number) => m;\n  return fib(n) + fib(n);\n});",
  ],
  [
    "a method of that name",
    "const math = { fib: (n: number) => n };\nexport const fib = env.task(async function fib(n: number) {\n  return math.fib(n) + math.fib(n - 1);\n});",
  ],
  [
    "a function that is declared on its own",
    "async function fib(n: number): Promise<number> { return n < 2 ? n : fib(n - 1); }\nexport const task = env.task(fib);",
  ],
  [
    "nothing, but speaks of it",
    "export const fib = env.task(async function fib(n: number) {\n  return 'fib(n) is not fib(1)' + n;\n});",
  ],
])("leaves alone what calls %s", async (_, task) => {
  expect(await found(task)).toEqual([]);
});
