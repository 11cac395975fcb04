import { map, sleep, TaskEnvironment } from "godwit";

const env = new TaskEnvironment({ name: "bench" });

/** The smallest task: what is measured is everything around it. */
export const leaf = env.task(async function leaf(x: number) {
  return x;
});

/** One parent, N children at once. */
export const fanOut = env.task(async function fanOut(n: number) {
  const values = await Promise.all(Array.from({ length: n }, (_, i) => leaf(i)));
  return values.reduce((sum, value) => sum + value, 0);
});

/** The same through `map`. */
export const fanOutMap = env.task(async function fanOutMap(n: number) {
  const values = await map(
    leaf,
    Array.from({ length: n }, (_, i) => i),
  );
  return values.reduce((sum, value) => sum + value, 0);
});

/** N children, one after another. */
export const sequence = env.task(async function sequence(n: number) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += await leaf(i);
  return sum;
});

/** N children at once, then a wait: a parent that is parked with all of its results and resumed. */
export const resume = env.task(async function resume(n: number) {
  const values = await Promise.all(Array.from({ length: n }, (_, i) => leaf(i)));
  await sleep(500);
  return values.reduce((sum, value) => sum + value, 0);
});
