import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Bundle, buildBundle } from "../../src/bundle/build.ts";
import { bundleTasks } from "../../src/runner/bundles.ts";
import { Project } from "./project.ts";

const code = (result: string) => `import { TaskEnvironment } from "godwit";
const env = new TaskEnvironment({ name: "demo" });
export const main = env.task(async function main() {
  return ${result};
});
`;

let project: Project;
let dir: string;

beforeEach(() => {
  project = new Project({ "tasks.ts": code("1") });
  dir = mkdtempSync(join(tmpdir(), "godwit-bundles-"));
});

afterEach(async () => {
  project.remove();
  await rm(dir, { recursive: true });
});

async function bundleOf(result: string): Promise<Bundle> {
  project.write({ "tasks.ts": code(result) });
  return buildBundle(project.file("tasks.ts"));
}

function source(...bundles: Bundle[]) {
  const fetch = vi.fn(async (hash: string) => {
    const found = bundles.find((bundle) => bundle.hash === hash);
    if (found === undefined) throw new Error("not there yet");
    return Buffer.from(found.code);
  });
  return { fetch, tasks: bundleTasks({ fetch, dir, root: project.path }) };
}

const call = async (tasks: ReturnType<typeof bundleTasks>, { hash }: Bundle): Promise<unknown> =>
  (await tasks.find(hash, "demo.main")).fn(undefined as never);

test("fetches a bundle once, keeps it, and finds it there the next time", async () => {
  const bundle = await bundleOf("1");
  const first = source(bundle);
  await Promise.all([first.tasks.find(bundle.hash, "demo.main"), first.tasks.find(bundle.hash, "demo.main")]);
  expect(await call(first.tasks, bundle)).toBe(1);
  expect(first.fetch).toHaveBeenCalledOnce();
  expect(readdirSync(dir)).toEqual([`${bundle.hash}.mjs`]);
  const second = source();
  expect(await call(second.tasks, bundle)).toBe(1);
  expect(second.fetch).not.toHaveBeenCalled();
});

test("runs several versions side by side", async () => {
  const versions = [await bundleOf('"old"'), await bundleOf('"new"')] as const;
  const { tasks } = source(...versions);
  expect(await Promise.all(versions.map((bundle) => call(tasks, bundle)))).toEqual(["old", "new"]);
});

test("refuses what is not what was asked for, and asks again", async () => {
  const bundle = await bundleOf("2");
  const fetch = vi.fn(async () => Buffer.from("export {};"));
  const tasks = bundleTasks({ fetch, dir });
  await expect(tasks.load(bundle.hash)).rejects.toThrow(/arrived damaged/);
  fetch.mockResolvedValue(Buffer.from(bundle.code));
  expect(await call(tasks, bundle)).toBe(2);
});

test("fetches again what was damaged on disk", async () => {
  const bundle = await bundleOf("3");
  writeFileSync(join(dir, `${bundle.hash}.mjs`), bundle.code.slice(0, 100));
  const { tasks, fetch } = source(bundle);
  expect(await call(tasks, bundle)).toBe(3);
  expect(fetch).toHaveBeenCalledOnce();
});

test("tells of a wrong task, of a wrong name, and of code that throws", async () => {
  const bundle = await bundleOf("4");
  const { tasks } = source(bundle);
  await expect(tasks.find(bundle.hash, "demo.nope")).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
  await expect(tasks.load("../../etc/passwd")).rejects.toMatchObject({ code: "DEPLOYMENT_NOT_FOUND" });
  project.write({ "throws.ts": 'throw new RangeError("no config");\n' });
  const broken = await buildBundle(project.file("throws.ts"));
  await expect(source(broken).tasks.load(broken.hash)).rejects.toMatchObject({
    code: "MODULE_LOAD_FAILED",
    message: "RangeError: no config",
  });
});
