import type { Context } from "hono";
import type { OutcomeView, StartedRun } from "../client/api.ts";
import { GodwitError } from "../core/errors.ts";
import { ROOT_ACTION } from "../core/identity.ts";
import type { EngineCore } from "../engine/core.ts";
import { waitForRun } from "../engine/read.ts";
import { readOutcomes } from "../store/actions.ts";
import { readDivergences } from "../store/divergences.ts";
import type { RunRow } from "../store/rows.ts";
import { type Caller, canSee } from "./auth/caller.ts";
import type { CoordinatorEnv } from "./parts.ts";
import { outcomeView } from "./views/json.ts";
import { runDetail } from "./views/run.ts";

/** When it is worth to look again, for clients that cannot wait or follow events. */
const RETRY_AFTER_S = "1";

/** How long a request may wait, of what it asked for. */
export function waitMsOf(c: Context<CoordinatorEnv>, asked: number | undefined): number {
  return Math.min(asked ?? 0, c.var.parts.limits.maxWaitMs);
}

/** How a run ended; null while it goes on. */
export function readRunOutcome(core: EngineCore, run: RunRow): Promise<OutcomeView | null> {
  if (run.ended_ms === null) return Promise.resolve(null);
  return core.driver.read(async (sql) => {
    const [root] = await readOutcomes(sql, [{ run_id: run.id, action_id: ROOT_ACTION }]);
    return root === undefined ? null : outcomeView(root.phase, root.result);
  });
}

/** Answers the start of a run: 200 with its outcome when it ended within the wait, else 202 with where to look. */
export async function answerStarted(
  c: Context<CoordinatorEnv>,
  id: string,
  wait: number | undefined,
): Promise<Response> {
  const { core } = c.var.parts;
  const run = await waitForRun(core, id, waitMsOf(c, wait), c.req.raw.signal);
  const divergences = await core.driver.read((sql) => readDivergences(sql, id));
  const body: StartedRun = { ...runDetail(run, divergences), outcome: await readRunOutcome(core, run) };
  c.header("Location", `/v1/runs/${id}`);
  if (run.ended_ms !== null) return c.json(body, 200);
  c.header("Retry-After", RETRY_AFTER_S);
  return c.json(body, 202);
}

/** Checks that a run may come from an older one: it must be seen by the caller, and be of the same project. */
export function checkOrigin(caller: Caller, origin: RunRow, project: string): void {
  if (origin.project === project && canSee(caller, project)) return;
  throw new GodwitError(
    "INVALID_REQUEST",
    `the run "${origin.id}" is of the project "${origin.project}", not of "${project}"`,
  );
}
