import { expect, test } from "vitest";
import { mergeOptions, type OptionLevel } from "../../src/core/call-options.ts";

const deployed: OptionLevel = {
  retries: { count: 3, delayMs: 100 },
  limits: { attemptMs: 1_000 },
  cache: { mode: "auto" },
  concurrency: { key: "k", limit: 2 },
  secrets: ["TOKEN"],
  interruptible: true,
  priority: 4,
};

test("a nearer value replaces the farther one as a whole", () => {
  const merged = mergeOptions([deployed, { retries: { count: 1 } }, { secrets: ["OTHER"], label: "mine" }]);
  expect(merged).toEqual({ ...deployed, retries: { count: 1 }, secrets: ["OTHER"], label: "mine" });
});

test("what is taken away, or is the default, is left out", () => {
  const none: OptionLevel = {
    retries: { count: 0 },
    limits: null,
    cache: { mode: "disable" },
    concurrency: null,
    secrets: [],
    interruptible: false,
    priority: 0,
  };
  expect(mergeOptions([deployed, none])).toEqual({});
  expect(mergeOptions([none, deployed])).toEqual(deployed);
});

test("what belongs to the call alone stays, and no level is changed", () => {
  const call = { map: 1, group: "g", tolerated: true, context: { a: "" }, remote: { version: "latest" } };
  const before = structuredClone(deployed);
  expect(mergeOptions([deployed, call])).toEqual({ ...deployed, ...call });
  expect(deployed).toEqual(before);
});
