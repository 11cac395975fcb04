import * as z from "zod";
import { condition } from "../../src/sdk/condition.ts";
import { TaskEnvironment } from "../../src/sdk/environment.ts";

const env = new TaskEnvironment({ name: "starters" });

export const add = env.task(
  { input: z.object({ a: z.number(), b: z.number() }), priority: 1 },
  async function add({ a, b }) {
    return a + b;
  },
);
export const echo = env.task(async function echo(value: unknown) {
  return value;
});
export const broken = env.task(async function broken(): Promise<number> {
  throw new RangeError("too far");
});
export const waiting = env.task(async function waiting() {
  return condition({ name: "go" });
});
