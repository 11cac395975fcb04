import { map, TaskEnvironment } from "godwit";
import * as z from "zod";

const env = new TaskEnvironment({ name: "hello", resources: { cpu: 1, memory: "512Mi" } });

export const predict = env.task(
  { input: z.object({ x: z.number() }), output: z.number(), cache: "auto", retries: 3 },
  async function predict({ x }) {
    return 2 * x + 5;
  },
);

export const main = env.task(async function main({ data }: { data: number[] }) {
  const ys = await map(
    predict,
    data.map((x) => ({ x })),
  );
  return ys.reduce((sum, y) => sum + y, 0) / ys.length;
});
