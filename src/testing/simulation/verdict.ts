import type { SqlDriver } from "../../store/driver.ts";
import type { SimulatedDatabase } from "./database.ts";
import type { Evidence } from "./evidence.ts";
import { findBroken, findDisagreements, findLeftovers, findMiscounts, findUnfenced } from "./invariants.ts";
import { expectedOf, hasPlainAwait } from "./program.ts";
import type { PlannedRun } from "./simulation.ts";

/** A planned run on its way. */
export interface StartedRun {
  readonly plan: PlannedRun;
  id: string | null;
  isAborted: boolean;
}

/** What was broken, seen from the end. */
export async function judge(
  database: SimulatedDatabase,
  { executions }: Evidence,
  runs: readonly StartedRun[],
): Promise<string[]> {
  const ledger = await database.ledger();
  const broken = [
    ...(await database.driver.read(findBroken)),
    ...findUnfenced(ledger, executions),
    ...findDisagreements(ledger, executions),
    ...findMiscounts(ledger, executions),
    ...(await database.driver.read(findLeftovers)),
  ];
  for (const run of runs) broken.push(...(await judgeResult(database.driver, run)));
  return broken;
}

async function judgeResult(driver: SqlDriver, { id, isAborted, plan }: StartedRun): Promise<string[]> {
  const rows = await driver.read((sql) =>
    sql.all<{ phase: string; result: string; divergences: number; interrupted: number }>(
      `SELECT a.phase, a.result, r.divergences, (SELECT count(*) FROM actions b WHERE b.run_id = r.id
         AND b.phase = 'failed' AND b.result LIKE '%"INTERRUPTED"%') AS interrupted
       FROM runs r JOIN actions a ON a.run_id = r.id AND a.id = 'a0' WHERE r.id = $1`,
      id,
    ),
  );
  const row = rows[0];
  if (row === undefined) return [`run ${id} is gone`];
  const { phase, result, divergences, interrupted } = row;
  // What races against something that is not durable may be elsewhere in each execution.
  const isLost = divergences > 0 && !hasPlainAwait(plan.program);
  const broken = isLost ? [`run ${id} left its recorded path ${divergences} times`] : [];
  // Whoever loses too many runners in a row fails for that, and an abort may come at any time.
  if (isAborted || interrupted > 0) return broken;
  const expected = expectedOf(plan.program);
  if (expected.ok !== (phase === "succeeded"))
    broken.push(`run ${id} ended as ${phase}: ${result.slice(0, 500)}`);
  else if (expected.ok) {
    const { value } = JSON.parse(result) as { value: unknown };
    const [given, wanted] = [JSON.stringify(value), JSON.stringify(expected.value)];
    if (given !== wanted) broken.push(`run ${id} gave ${given} instead of ${wanted}`);
  }
  return broken;
}
