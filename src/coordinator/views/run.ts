import type { DivergenceView, RunDetail, RunSummary } from "../../client/api.ts";
import type { RunCacheMode } from "../../core/cache.ts";
import type { EventError } from "../../core/event.ts";
import type { DivergenceRow } from "../../store/divergences.ts";
import type { RunRow } from "../../store/rows.ts";
import { stored } from "./json.ts";

/** A run in a list. */
export function runSummary(row: RunRow): RunSummary {
  return {
    id: row.id,
    project: row.project,
    domain: row.domain,
    task: row.task,
    deployment: row.deployment,
    phase: row.phase,
    createdMs: row.created_ms,
    startedMs: row.started_ms,
    endedMs: row.ended_ms,
    createdBy: row.created_by,
    labels: stored(row.labels) as Record<string, string>,
    origin: originView(row),
    error: row.error === null ? null : (stored(row.error) as unknown as EventError),
    actionCount: row.actions,
    divergenceCount: row.divergences,
  };
}

/** A run on its own page. */
export function runDetail(row: RunRow, divergences: readonly DivergenceRow[]): RunDetail {
  return {
    ...runSummary(row),
    context: stored(row.context) as Record<string, string>,
    priority: row.priority,
    weight: row.weight,
    actionLimit: row.action_limit,
    cache: row.cache_mode as RunCacheMode,
    suspend: row.suspend_mode,
    strict: row.strict === 1,
    eventSeq: row.event_seq,
    divergences: divergences.map(divergenceView),
  };
}

/** Changes whenever anything in a run's detail does: each change of a run has an event, a call or a divergence. */
export function runEtag(row: RunRow): string {
  return `W/"${row.event_seq}-${row.actions}-${row.divergences}"`;
}

function originView(row: RunRow): RunSummary["origin"] {
  if (row.origin_run === null || row.origin_kind === null) return null;
  const force = row.force === null ? [] : (stored(row.force) as string[]);
  return { run: row.origin_run, kind: row.origin_kind, force, changedOnly: row.changed_only === 1 };
}

function divergenceView(row: DivergenceRow): DivergenceView {
  const { action_id: action, kind, call_id: call, task, detail, at_ms: atMs } = row;
  return { action, kind, call, task, detail, atMs };
}
