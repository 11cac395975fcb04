import type { Context } from "hono";
import { GodwitError } from "../../core/errors.ts";
import { readLeased } from "../../store/leases.ts";
import { readRuns } from "../../store/runs.ts";
import type { CoordinatorEnv } from "../parts.ts";
import type { Scope } from "./api-key.ts";
import type { Caller } from "./caller.ts";
import { checkLease, runnerOf, speaksFor } from "./runner.ts";

const SCOPES: readonly Scope[] = ["runs:read", "runs:write"];

/**
 * Who calls when a runner does it for a task: the run of that task. The lease must be current and the runner's own, so
 * a token alone, or a lease that has ended, opens nothing.
 *
 * @throws GodwitError UNAUTHENTICATED, FORBIDDEN, LEASE_STALE
 */
export async function runCallerOf(c: Context<CoordinatorEnv>, lease: string): Promise<Caller> {
  const { core, runnerTokens } = c.var.parts;
  const claims = await runnerOf(c, runnerTokens);
  checkLease(claims, lease);
  const found = await core.driver.read(async (sql) => {
    const [action] = await readLeased(sql, [lease]);
    if (action === undefined || !speaksFor(claims, action.runner_id)) return undefined;
    const [run] = await readRuns(sql, [action.run_id]);
    return run === undefined ? undefined : { run, deployment: action.deployment ?? run.deployment };
  });
  if (found === undefined) {
    throw new GodwitError("LEASE_STALE", `the lease ${lease} is not current, or is not this runner's`);
  }
  const { run, deployment } = found;
  // The same for every attempt and every runner of the run: a start that is repeated finds the first one.
  const name = `run:${run.id}`;
  const { id, project, domain } = run;
  return { id: name, name, project, scopes: new Set(SCOPES), run: { id, domain, deployment } };
}
