import { expect, test } from "vitest";
import { isWithinReach, type RunnerReach } from "../../src/core/runner-reach.ts";

const deployment = { project: "search", domain: "production", environment: "etl" };
const all: RunnerReach = { project: null, domain: null, environments: null };

test.each<[Partial<RunnerReach>, boolean]>([
  [{}, true],
  [{ project: "search" }, true],
  [{ project: "ads" }, false],
  [{ domain: "production" }, true],
  [{ domain: "development" }, false],
  [{ environments: ["etl", "web"] }, true],
  [{ environments: ["web"] }, false],
  [{ environments: [] }, false],
  [{ project: "search", domain: "production", environments: ["etl"] }, true],
  [{ project: "ads", domain: "production", environments: ["etl"] }, false],
])("%o reaches it: %s", (reach, expected) => {
  expect(isWithinReach(deployment, { ...all, ...reach })).toBe(expected);
});

test("a whole file is in no environment", () => {
  const file = { ...deployment, environment: null };
  expect(isWithinReach(file, { ...all, project: "search" })).toBe(true);
  expect(isWithinReach(file, { ...all, environments: ["etl"] })).toBe(false);
});
