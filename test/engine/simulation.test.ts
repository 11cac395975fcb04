import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SimulatedDatabase } from "../../src/testing/simulation/database.ts";
import { type Report, simulate } from "../../src/testing/simulation/simulation.ts";
import { planOf } from "./simulation/plans.ts";

/** `SEED=123 npx vitest run test/engine/simulation.test.ts` replays one seed and prints every step of it. */
const SEED = process.env["SEED"] === undefined ? null : Number(process.env["SEED"]);
const SEEDS = Number(process.env["SEEDS"] ?? 2_000);
/** A failure is found early, and a test that goes on for too long is easy to see. */
const SEEDS_PER_TEST = 250;

let database: SimulatedDatabase;
beforeAll(async () => {
  database = await SimulatedDatabase.open();
});
afterAll(() => database.close());

/** Runs a seed; everything that it finds is an error that says how to see it again. */
async function check(seed: number, isVerbose = false): Promise<Report> {
  const report = await simulate({ database, seed, plan: planOf(seed), isVerbose });
  if (isVerbose) console.log([JSON.stringify(planOf(seed), null, 2), ...report.notes].join("\n"));
  const how = `SEED=${seed} npx vitest run test/engine/simulation.test.ts`;
  expect(report.violations, `seed ${seed}; see it again with ${how}`).toEqual([]);
  return report;
}

describe.runIf(SEED !== null)("one seed", () => {
  it(`holds under seed ${SEED}`, async () => {
    await check(SEED ?? 0, true);
  });
});

describe.runIf(SEED === null)("simulation", () => {
  it("does the same for the same seed", async () => {
    for (const seed of [11, 12, 13]) {
      const [first, second] = [await check(seed), await check(seed)];
      expect(second).toEqual(first);
      expect((await check(seed + 100)).fingerprint).not.toBe(first.fingerprint);
    }
  });

  it("gives what is expected when nothing goes wrong", async () => {
    for (let seed = 1; seed <= 100; seed++) {
      const report = await simulate({ database, seed, plan: planOf(seed), hasFaults: false });
      expect(report.violations, `seed ${seed} without faults`).toEqual([]);
      expect([...report.faults]).toEqual([]);
    }
  });

  const faults = new Map<string, number>();
  let executions = 0;
  const startedMs = performance.now();
  for (let from = 1; from <= SEEDS; from += SEEDS_PER_TEST) {
    const to = Math.min(SEEDS, from + SEEDS_PER_TEST - 1);
    it(`holds under seeds ${from} to ${to}`, { timeout: 120_000 }, async () => {
      for (let seed = from; seed <= to; seed++) {
        const report = await check(seed);
        executions += report.executions;
        for (const [fault, count] of report.faults) faults.set(fault, (faults.get(fault) ?? 0) + count);
      }
    });
  }

  it("had everything go wrong often enough", () => {
    const rate = Math.round(SEEDS / ((performance.now() - startedMs) / 1_000));
    const counts = [...faults]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([fault, count]) => `${count} × ${fault}`);
    console.log(`${SEEDS} seeds, ${rate} a second, ${executions} executions; ${counts.join(", ")}`);
    expect(faults.size).toBe(15);
    expect(Math.min(...faults.values())).toBeGreaterThan(SEEDS / 20);
  });
});
