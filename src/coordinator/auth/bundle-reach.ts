import { GodwitError } from "../../core/errors.ts";
import { isWithinReach } from "../../core/runner-reach.ts";
import { codeOf, type DeployedCode } from "../../engine/deployments.ts";
import { deploymentsOfRun, readDeployments, readDeploymentsOfBundle } from "../../store/deployments.ts";
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
  if (await core.driver.read((sql) => mayHave(sql, claims, hash))) return;
  throw new GodwitError("FORBIDDEN", `the runner's token does not allow the bundle "${hash}"`, {
    hint: "Give the runner a token that was issued for it.",
  });
}

async function mayHave(sql: Sql, { run, pools, reach }: RunnerClaims, hash: string): Promise<boolean> {
  const isForAll = run === undefined && pools.includes("*");
  if (isForAll && reach === undefined) return true;
  const wanted = await readDeploymentsOfBundle(sql, hash);
  if (wanted.length === 0) return false;
  if (isForAll && reach !== undefined) return wanted.some((row) => isWithinReach(row, reach));
  const from = run === undefined ? pools : await deploymentsOfRun(sql, run);
  const reached = await reachedFrom(sql, from);
  return wanted.some(({ id }) => reached.has(id));
}

/** Deployments and all that they depend on. */
async function reachedFrom(sql: Sql, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const reached = new Set<string>();
  let next: readonly string[] = ids;
  while (next.length > 0) {
    const found: readonly DeployedCode[] = (await readDeployments(sql, next)).map(codeOf);
    for (const { id } of found) reached.add(id);
    next = [...new Set(found.flatMap(({ dependsOn }) => Object.values(dependsOn)))].filter(
      (id) => !reached.has(id),
    );
  }
  return reached;
}
