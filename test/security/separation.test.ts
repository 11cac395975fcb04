import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TaskEnvironment } from "../../src/index.ts";
import { createHarness, type Harness } from "../../src/testing/index.ts";

const env = new TaskEnvironment({ name: "apart", cache: { version: "1" } });
const shared = env.task(async function shared(x: number) {
  return x;
});
const perProject = env.task(
  { cache: { version: "1", scope: "project" } },
  async function perProject(x: number) {
    return x;
  },
);

let harness: Harness;
beforeEach(async () => {
  harness = await createHarness();
});
afterEach(() => harness.close());

describe("a cached result", () => {
  test("is of one project", async () => {
    for (const project of ["a", "b", "a", "b"]) await (await harness.run(shared, 1, { project })).result();
    expect(harness.executions(shared)).toBe(2);
  });

  test("is of one domain, unless the task says that it is for the project", async () => {
    for (const domain of ["development", "production", "production"]) {
      for (const task of [shared, perProject]) {
        await (await harness.run(task, 1, { domain })).result();
        await (await harness.run(task, 1, { domain, project: "other" })).result();
      }
    }
    expect(harness.executions(shared)).toBe(4);
    expect(harness.executions(perProject)).toBe(2);
  });
});
