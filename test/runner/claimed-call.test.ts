import { afterEach, expect, it } from "vitest";
import { map, TaskEnvironment, trace } from "../../src/index.ts";
import { createHarness, type Harness } from "../../src/testing/index.ts";

let harness: Harness | undefined;
afterEach(() => harness?.close());

const env = new TaskEnvironment({ name: "claimed-call" });
const look = trace(async function look(n: number) {
  return n;
});

const step = env.task({ retries: 1 }, async function step(n: number) {
  if (n === 0) throw new Error("once more");
  const seen = await look(n);
  return seen + (await look(seen + 1));
});

const main = env.task(async function main() {
  const results = await map(step, [0, 1, 2, 3], { settle: true });
  return results.map(({ status }) => status);
});

it("keeps a call that the runner started itself, although a poll overtook the report that tells of it", async () => {
  harness = await createHarness({
    clock: "real",
    transport: (inner) => ({
      ...inner,
      exchange: async (request, signal) => {
        // The report under way is slow; polls are not, and each lists what is held.
        if (request.channel === "report") await new Promise((resolve) => setTimeout(resolve, 30));
        return inner.exchange({ ...request, waitMs: Math.min(request.waitMs ?? 0, 1) }, signal);
      },
    }),
  });
  const run = await harness.run(main);
  expect(await run.result()).toEqual(["rejected", "fulfilled", "fulfilled", "fulfilled"]);
});
