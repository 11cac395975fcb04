import { GodwitError } from "../core/errors.ts";
import { ROOT_ACTION } from "../core/identity.ts";
import { isTerminal, type Phase } from "../core/phase.ts";
import type { EngineCore } from "./core.ts";
import { abortion, settle } from "./settle.ts";
import { runNotFound } from "./start.ts";

export interface AbortRequest {
  readonly run: string;
  /** Default: the root, which ends the run. */
  readonly action?: string;
  readonly reason?: string;
}

/**
 * Aborts an action and everything below it. A parent sees a catchable AbortedError. Aborting what has ended is a
 * no-op. Gives the phase the action is in afterwards.
 */
export async function abort(core: EngineCore, request: AbortRequest): Promise<Phase> {
  const action = request.action ?? ROOT_ACTION;
  return core.work([request.run], async (work) => {
    if (work.findRun(request.run) === undefined) throw runNotFound(request.run);
    await work.load([{ run_id: request.run, action_id: action }]);
    const row = work.action(request.run, action);
    if (row === undefined)
      throw new GodwitError("ACTION_NOT_FOUND", `no action "${action}" in run "${request.run}"`);
    if (!isTerminal(row.phase)) await settle(work, [abortion(work, row, request.reason ?? "asked for")]);
    return row.phase;
  });
}
