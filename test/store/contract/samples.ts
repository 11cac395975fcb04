import { insertActions, type NewAction } from "../../../src/store/actions.ts";
import type { SqlDriver } from "../../../src/store/driver.ts";
import type { ActionRow, LeaseRow, RunRow } from "../../../src/store/rows.ts";
import { insertRun } from "../../../src/store/runs.ts";
import { unique } from "./host.ts";

export function sampleRun(over: Partial<RunRow> = {}): RunRow {
  return {
    id: unique("r"),
    project: "default",
    domain: "development",
    task: "env.main",
    deployment: "d1",
    pool: "p1",
    phase: "queued",
    created_ms: 1_760_000_000_000,
    started_ms: null,
    ended_ms: null,
    created_by: null,
    labels: "{}",
    context: "{}",
    seed: "s",
    epoch_ms: 1_760_000_000_000,
    sdk_version: 1,
    suspend_mode: "auto",
    strict: 0,
    cache_mode: "use",
    priority: 0,
    weight: 1,
    action_limit: null,
    origin_run: null,
    origin_kind: null,
    force: null,
    changed_only: 0,
    error: null,
    event_seq: 0,
    actions: 1,
    divergences: 0,
    ...over,
  };
}

export function sampleAction(runId: string, id: string, over: Partial<NewAction> = {}): NewAction {
  return {
    run_id: runId,
    id,
    parent_id: "a0",
    kind: "task",
    task: "env.child",
    phase: "queued",
    input: '{"x":1}',
    result: null,
    options: "{}",
    pool: "p1",
    ordinal: 1,
    seq: null,
    attempt: 0,
    user_failures: 0,
    system_failures: 0,
    isolated: 0,
    created_ms: 1_760_000_000_000,
    queued_ms: 1_760_000_000_000,
    started_ms: null,
    ended_ms: null,
    map_id: null,
    tolerated: 0,
    group_name: null,
    children: 0,
    settled: 0,
    parked_seq: 0,
    system_streak: 0,
    progress: 0,
    waits: null,
    code_hash: null,
    cache_key: null,
    epoch_ms: 1_760_000_000_000,
    deployment: null,
    ...over,
  };
}

/** What reading an inserted action gives: the row without its values. */
export function withoutValues(row: NewAction): ActionRow {
  const { input: _input, result: _result, ...rest } = row;
  return rest;
}

export function sampleLease(runId: string, actionId: string, over: Partial<LeaseRow> = {}): LeaseRow {
  return {
    run_id: runId,
    action_id: actionId,
    token: `${runId}/${actionId}/n1`,
    runner_id: "w1",
    grant_id: "poll1",
    attempt: 1,
    granted_ms: 1_760_000_000_000,
    must_end_ms: null,
    ...over,
  };
}

/** Inserts a run with actions of these ids; gives the run's id. */
export async function insertSampleRun(driver: SqlDriver, ids: readonly string[] = []): Promise<string> {
  const run = sampleRun();
  await driver.transaction(async (sql) => {
    await insertRun(sql, run);
    const rows = ids.map((id, i) => sampleAction(run.id, id, { ordinal: i + 1 }));
    if (rows.length > 0) await insertActions(sql, rows);
  });
  return run.id;
}
