import { group, map, TaskEnvironment } from "godwit";
import * as z from "zod";

const env = new TaskEnvironment({ name: "fan-out" });

export const square = env.task(async function square(n: number) {
  return n * n;
});

export const sum = env.task(async function sum(numbers: number[]) {
  return numbers.reduce((total, next) => total + next, 0);
});

/** `map` for many calls of one task, `Promise.all` for a few different ones; both in plain code. */
export const main = env.task(
  { input: z.object({ n: z.number().int().min(1).default(1000) }) },
  async function main({ n }) {
    const numbers = Array.from({ length: n }, (_, index) => index + 1);
    const squares = await map(square, numbers);
    const [plain, squared] = await group("totals", () => Promise.all([sum(numbers), sum(squares)]));
    return { n, plain, squared };
  },
);
