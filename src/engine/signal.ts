import { GodwitError } from "../core/errors.ts";
import { canonicalText } from "../core/value.ts";
import { answerCondition, findCondition } from "../store/conditions.ts";
import type { EngineCore } from "./core.ts";
import { settle } from "./settle.ts";
import { runNotFound } from "./start.ts";

export interface SignalRequest {
  readonly run: string;
  /** Name of the condition, or the id of its action. */
  readonly condition: string;
  /** Encoded answer; whoever takes it from outside has checked it against the condition's schema. */
  readonly answer: string;
  readonly by?: string;
}

/**
 * Answers a condition. The same answer again is fine; a different one, or one that comes too late, is a conflict.
 * Gives the id of the condition's action.
 */
export async function signal(core: EngineCore, request: SignalRequest): Promise<string> {
  return core.work([request.run], async (work) => {
    if (work.findRun(request.run) === undefined) throw runNotFound(request.run);
    const found = await findCondition(work.sql, request.run, request.condition);
    if (found === undefined) {
      throw new GodwitError(
        "CONDITION_NOT_FOUND",
        `run "${request.run}" has no condition "${request.condition}"`,
      );
    }
    await work.load([{ run_id: found.run_id, action_id: found.action_id }]);
    const row = work.action(found.run_id, found.action_id);
    if (found.answer !== null && canonicalText(found.answer) === canonicalText(request.answer))
      return found.action_id;
    if (found.answer !== null || row === undefined || row.phase !== "paused") {
      const why = found.answer !== null ? `was answered with ${found.answer}` : `is ${row?.phase ?? "gone"}`;
      throw new GodwitError("CONDITION_CONFLICT", `condition "${found.name}" of run "${request.run}" ${why}`);
    }
    const at = {
      runId: found.run_id,
      actionId: found.action_id,
      nowMs: work.nowMs,
      by: request.by ?? null,
      answer: request.answer,
    };
    await answerCondition(work.sql, at);
    const end = { phase: "succeeded" as const, value: request.answer };
    await settle(work, [{ row, end, startedMs: row.created_ms, endedMs: work.nowMs }]);
    return found.action_id;
  });
}
