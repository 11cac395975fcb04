import type { ExchangeRequest } from "../core/protocol.ts";
import { isWithinReach } from "../core/runner-reach.ts";
import type { Sql } from "../store/driver.ts";
import { poolsWithBacklog } from "../store/queue.ts";
import type { Deployments } from "./deployments.ts";
import { isPrivatePool } from "./hub.ts";
import { isolatedPool } from "./queue.ts";

/**
 * Pools with a backlog that whoever asks may take from, its private one first. What a token reaches is looked up here
 * and not when the runner is started: so it serves what is deployed later too.
 */
export async function openPools(
  sql: Sql,
  deployments: Deployments,
  { runner, reach }: Pick<ExchangeRequest, "runner" | "reach">,
): Promise<string[]> {
  const served = servedPools(runner.pools, await poolsWithBacklog(sql));
  if (reach === undefined || served.every(isPrivatePool)) return served;
  const found = await deployments.read(sql, served.map(deploymentOf));
  return served.filter((pool) => {
    const deployment = found.get(deploymentOf(pool));
    return isPrivatePool(pool) || (deployment !== undefined && isWithinReach(deployment, reach));
  });
}

function servedPools(pools: readonly string[], backlog: readonly string[]): string[] {
  const exact = new Set(pools.flatMap((pool) => [pool, isolatedPool(pool)]));
  return backlog.filter((pool) => exact.has(pool) || (pools.includes("*") && !isPrivatePool(pool)));
}

/** A shared pool is named after the deployment it serves, and so is the one for what is executed alone. */
function deploymentOf(pool: string): string {
  return pool.endsWith("!") ? pool.slice(0, -1) : pool;
}
