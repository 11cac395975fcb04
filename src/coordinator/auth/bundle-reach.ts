import { GodwitError } from "../../core/errors.ts";
import { isWithinReach } from "../../core/runner-reach.ts";
import type { DeployedCode } from "../../engine/deployments.ts";
import { deploymentsOfRun, readDeploymentsOfBundle } from "../../store/deployments.ts";
import type { Sql } from "../../store/driver.ts";
import type { Parts } from "../parts.ts";
import type { RunnerClaims } from "./runner-token.ts";

/**
 * Refuses code that is none of the runner's business: it may have that of the deployments its pools or its run reach,
 * and of those that they depend on.
 *
 * @throws GodwitError FORBIDDEN
 */
export async function checkBundle(core: Parts["core"], claims: RunnerClaims, hash: string): Promise<void> {
  if (await core.driver.read((sql) => mayHave({ sql, core }, claims, hash))) return;
  throw new GodwitError("FORBIDDEN", `the runner's token does not allow the bundle "${hash}"`, {
    hint: "Give the runner a token that was issued for it.",
  });
}

interface Lookup {
  readonly sql: Sql;
  readonly core: Parts["core"];
}

async function mayHave(
  { sql, core }: Lookup,
  { run, pools, reach }: RunnerClaims,
  hash: string,
): Promise<boolean> {
  const isForAll = run === undefined && pools.includes("*");
  if (isForAll && reach === undefined) return true;
  const wanted = await readDeploymentsOfBundle(sql, hash);
  if (wanted.length === 0) return false;
  if (isForAll && reach !== undefined) return wanted.some((row) => isWithinReach(row, reach));
  const from = run === undefined ? pools : await deploymentsOfRun(sql, run);
  const reached = await reachedFrom({ sql, core }, from);
  return wanted.some(({ id }) => reached.has(id));
}

/** Deployments and all that they depend on. */
async function reachedFrom({ sql, core }: Lookup, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const reached = new Set<string>();
  let next: readonly string[] = ids;
  while (next.length > 0) {
    const found: ReadonlyMap<string, DeployedCode> = await core.deployments.read(sql, next);
    for (const id of found.keys()) reached.add(id);
    const needed = [...found.values()].flatMap(({ dependsOn }) => Object.values(dependsOn));
    next = needed.filter((id) => !reached.has(id));
  }
  return reached;
}
