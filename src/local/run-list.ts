import type { EventError } from "../core/event.ts";
import type { EngineCore } from "../engine/core.ts";
import { labelTexts, type RunQuery, type RunSummary } from "../sdk/run-list.ts";
import { listRuns, type RunPage, type RunPosition } from "../store/list-runs.ts";
import type { RunRow } from "../store/rows.ts";

const PAGE_RUNS = 100;

/** Runs of an engine in this process, the newest first; read a page at a time, as they are asked for. */
export async function* runsOf(core: EngineCore, query: RunQuery): AsyncGenerator<RunSummary, void, void> {
  const { project = null, domain = null, task = null, phases } = query;
  const filter = { project, domain, task, phases, labels: labelTexts(query), origin: null, createdBy: null };
  let left = query.limit ?? Number.POSITIVE_INFINITY;
  let after: RunPosition | null = null;
  while (left > 0) {
    const limit = Math.min(PAGE_RUNS, left);
    const page: RunPage = { after, limit, isDescending: true };
    const rows: RunRow[] = await core.driver.read((sql) => listRuns(sql, filter, page));
    yield* rows.map(summaryOf);
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return;
    left -= rows.length;
    after = [last.created_ms, last.id];
  }
}

function summaryOf(row: RunRow): RunSummary {
  const { id, project, domain, task, deployment, phase, error } = row;
  return {
    ...{ id, project, domain, task, deployment, phase },
    createdMs: row.created_ms,
    startedMs: row.started_ms,
    endedMs: row.ended_ms,
    createdBy: row.created_by,
    labels: JSON.parse(row.labels) as Record<string, string>,
    error: error === null ? null : (JSON.parse(error) as EventError),
  };
}
