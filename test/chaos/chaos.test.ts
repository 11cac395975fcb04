import { describe, expect, test } from "vitest";
import { newDatabase } from "../setup/postgres-database.ts";
import { type ChaosReport, chaos } from "./chaos.ts";

/** What one kill can meet in flight: the slots of a runner, see `runner.ts`. */
const SLOTS = 16;

function expectCalm(report: ChaosReport): void {
  expect(report.wrong).toEqual([]);
  expect(report.late).toEqual([]);
  expect(report.kills).toBeGreaterThan(0);
  expect(report.executions).toBeGreaterThanOrEqual(report.leaves);
  expect(report.repeated).toBeLessThanOrEqual(report.kills * SLOTS);
}

// The short form of `npm run chaos`: real processes, killed every 200 to 800 ms.
describe("coordinators and runners are killed all the time", () => {
  test("on SQLite every run ends with its undisturbed result", { timeout: 120_000 }, async () => {
    expectCalm(await chaos({ runs: 15 }));
  });

  test("on PostgreSQL every run ends with its undisturbed result", { timeout: 120_000 }, async () => {
    const database = await newDatabase();
    expectCalm(await chaos({ runs: 15, databaseUrl: database.url }));
    await database.drop();
  });
});
