import type { ActionDetail, ActionSummary, AttemptView } from "../../client/api.ts";
import type { CallOptions } from "../../core/call.ts";
import type { ErrorRecord } from "../../core/error-record.ts";
import { isSuccess } from "../../core/phase.ts";
import type { AttemptRow } from "../../store/attempts.ts";
import type { ListedAction, WholeAction } from "../../store/list-actions.ts";
import type { ActionRow } from "../../store/rows.ts";
import { outcomeView, stored } from "./json.ts";

const MESSAGE_CHARACTERS = 300;

/** An action in a list. */
export function actionSummary(row: ListedAction): ActionSummary {
  return summary(row, row.error === null ? null : (stored(row.error) as unknown as ErrorRecord));
}

/** An action on its own page. */
export function actionDetail(
  row: WholeAction,
  of: { readonly attempts: readonly AttemptRow[]; readonly runner: string | null },
): ActionDetail {
  const outcome = outcomeView(row.phase, row.result);
  const error = outcome?.ok === false ? outcome.error : null;
  return {
    ...summary(row, error),
    options: stored(row.options) as unknown as CallOptions,
    codeHash: row.code_hash,
    cacheKey: row.cache_key,
    input: stored(row.input),
    outcome,
    attempts: attemptViews(row, of, error),
  };
}

function summary(row: ActionRow, error: ErrorRecord | null): ActionSummary {
  const options = stored(row.options) as unknown as CallOptions;
  return {
    run: row.run_id,
    id: row.id,
    parent: row.parent_id,
    kind: row.kind,
    task: row.task,
    label: options.label ?? null,
    group: row.group_name,
    phase: row.phase,
    attempt: row.attempt,
    ordinal: row.ordinal,
    createdMs: row.created_ms,
    queuedMs: row.queued_ms,
    startedMs: row.started_ms,
    endedMs: row.ended_ms,
    children: row.children,
    settled: row.settled,
    error: error === null ? null : { code: error.code, message: error.message.slice(0, MESSAGE_CHARACTERS) },
  };
}

/** Attempts that ended badly have rows of their own; the last one is told by the action itself. */
function attemptViews(
  row: WholeAction,
  of: { readonly attempts: readonly AttemptRow[]; readonly runner: string | null },
  error: ErrorRecord | null,
): AttemptView[] {
  const views = of.attempts.map(
    (attempt): AttemptView => ({
      attempt: attempt.attempt,
      runner: attempt.runner_id,
      startedMs: attempt.started_ms,
      endedMs: attempt.ended_ms,
      end: attempt.end_kind,
      error: attempt.error === null ? null : (stored(attempt.error) as unknown as ErrorRecord),
    }),
  );
  if (row.attempt === 0 || views.some(({ attempt }) => attempt === row.attempt)) return views;
  const end = row.ended_ms === null ? null : isSuccess(row.phase as "succeeded") ? "succeeded" : "ended";
  const { attempt, started_ms: startedMs, ended_ms: endedMs } = row;
  return [...views, { attempt, runner: of.runner, startedMs, endedMs, end, error }];
}
