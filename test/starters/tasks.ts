import * as z from "zod";
import { condition } from "../../src/sdk/condition.ts";
import { TaskEnvironment } from "../../src/sdk/environment.ts";
import { remote } from "../../src/sdk/remote.ts";

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
export const far = env.task(async function far(version: string) {
  const sum = remote.task<typeof add>("starters.add", { version });
  const error = (reason: unknown): string => (reason as { code: string }).code;
  return sum({ a: 20, b: 1 }).catch(error);
});
export const waiting = env.task(async function waiting() {
  return condition({ name: "go" });
});
