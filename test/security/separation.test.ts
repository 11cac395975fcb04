import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TaskEnvironment } from "../../src/index.ts";
import { createHarness, type Harness } from "../../src/testing/index.ts";

const env = new TaskEnvironment({ name: "apart", cache: { version: "1" } });
const shared = env.task(async function shared(x: number) {
  return x;
});
const perDomain = env.task({ cache: { version: "1", scope: "domain" } }, async function perDomain(x: number) {
  return x;
});

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

  test("is of one domain where the task says so", async () => {
    for (const domain of ["development", "production", "production"]) {
      await (await harness.run(perDomain, 1, { domain })).result();
      await (await harness.run(perDomain, 1, { domain, project: "other" })).result();
    }
    expect(harness.executions(perDomain)).toBe(4);
  });
});
