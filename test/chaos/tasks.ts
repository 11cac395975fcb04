import { appendFileSync } from "node:fs";
import { ctx, map, sleep, TaskEnvironment, trace } from "godwit";

const env = new TaskEnvironment({ name: "chaos" });

/** Notes that a leaf starts to execute: appends of one short line are atomic, also between processes. */
function note(): void {
  const { run, action, attempt } = ctx();
  appendFileSync(process.env["CHAOS_LOG"] ?? "", `${Date.now()} ${run} ${action} ${attempt}\n`);
}

export const square = env.task(async function square(x: number) {
  note();
  await new Promise((resolve) => setTimeout(resolve, x % 7));
  return x * x;
});

/** Fails on its first two attempts. */
export const shaky = env.task({ retries: { count: 4, delay: 20 } }, async function shaky(x: number) {
  note();
  if (ctx().attempt <= 2) throw new Error(`attempt ${ctx().attempt}`);
  return x + 1;
});

export const broken = env.task(async function broken(x: number): Promise<number> {
  note();
  throw new RangeError(`no ${x}`);
});

const half = trace(async function half(x: number) {
  return x / 2;
});

export const fanOut = env.task(async function fanOut(n: number) {
  const values = await Promise.all(Array.from({ length: n }, (_, i) => square(i)));
  return values.reduce((sum, value) => sum + value, 0);
});

export const mapped = env.task(async function mapped(n: number) {
  const inputs = Array.from({ length: n }, (_, i) => i);
  const values = await map(square, inputs, { concurrency: 5 });
  return values.reduce((sum, value) => sum + value, 0);
});

export const sequence = env.task(async function sequence(n: number) {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    sum += await square(i);
    if (i % 4 === 3) await sleep(15);
    sum += await half(i * 2);
  }
  return sum;
});

export const tree = env.task(async function tree(depth: number): Promise<number> {
  if (depth === 0) return square(3);
  const [left, right] = await Promise.all([tree(depth - 1), tree(depth - 1)]);
  return left + right + depth;
});

/** Parallel chains, a caught failure, retries and a race whose loser is aborted. */
export const mixed = env.task(async function mixed(n: number) {
  const chain = async (i: number): Promise<number> => shaky(await square(i));
  const chains = Promise.all(Array.from({ length: n }, (_, i) => chain(i)));
  let caught = "";
  try {
    await broken(n);
  } catch (error) {
    caught = (error as Error).name;
  }
  const slow = sleep(60_000);
  await Promise.race([square(n), slow]);
  slow.abort("lost the race");
  return { sum: (await chains).reduce((sum, value) => sum + value, 0), caught };
});
