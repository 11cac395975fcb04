import { ctx, map, now, sleep, TaskEnvironment, trace, uuid } from "godwit";
import * as z from "zod";

const env = new TaskEnvironment({ name: "etl" });

interface Order {
  readonly id: number;
  readonly cents: number;
}

/** Stands for an HTTP request. Its result is recorded, so that a replay does not send it again. */
const fetchPage = trace(async function fetchPage(page: number): Promise<Order[]> {
  return Array.from({ length: 25 }, (_, index) => ({ id: page * 25 + index, cents: (index * 37) % 500 }));
});

/** The source refuses the first request for every third page; a retry after a moment gets it. */
export const extract = env.task(
  { retries: { count: 3, delay: "50ms" }, timeout: "30s" },
  async function extract(page: number) {
    const { attempt, log } = ctx();
    if (page % 3 === 0 && attempt === 1) throw new Error(`503 for page ${page}`);
    const orders = await fetchPage(page);
    // The next request has to wait; while it waits the task is parked.
    await sleep("20ms");
    log.info("extracted", { page, orders: orders.length });
    return orders;
  },
);

export const load = env.task(async function load({ batch, orders }: { batch: string; orders: Order[] }) {
  return { batch, rows: orders.length, cents: orders.reduce((sum, order) => sum + order.cents, 0) };
});

export const main = env.task(
  { input: z.object({ pages: z.number().int().min(1).default(6) }) },
  async function main({ pages }) {
    const startedMs = now();
    // The same on every replay, so whatever is loaded twice is recognised by it.
    const batch = uuid();
    const orders = await map(extract, Array.from(Array(pages).keys()), { concurrency: 4 });
    const { rows, cents } = await load({ batch, orders: orders.flat() });
    return { batch, rows, cents, ms: now() - startedMs };
  },
);
