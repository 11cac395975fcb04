import { type Task, TaskEnvironment } from "godwit";
import * as z from "zod";

const env = new TaskEnvironment({ name: "fibonacci" });

/**
 * Tasks call tasks, also themselves. A call that waits for its children holds no slot, so the depth of a recursion is
 * not bounded by the number of slots. The function is an arrow function on purpose: inside `function fib`, the name
 * `fib` would be that function and not the task.
 */
export const fib: Task<number, number> = env.task({ name: "fib" }, async (n: number): Promise<number> => {
  if (n < 2) return n;
  const [a, b] = await Promise.all([fib(n - 1), fib(n - 2)]);
  return a + b;
});

export const main = env.task(
  { input: z.object({ n: z.number().int().min(0).default(10) }) },
  async function main({ n }) {
    return { n, fib: await fib(n) };
  },
);
