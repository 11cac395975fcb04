import type { ActionKind } from "../core/call.ts";
import type { Phase } from "../core/phase.ts";
import type { SuspendMode } from "../core/protocol.ts";

/** A row of `runs`. JSON columns are text; whoever needs one parses it. */
export interface RunRow {
  id: string;
  project: string;
  domain: string;
  task: string;
  deployment: string;
  pool: string;
  phase: Phase;
  created_ms: number;
  started_ms: number | null;
  ended_ms: number | null;
  created_by: string | null;
  labels: string;
  context: string;
  seed: string;
  epoch_ms: number;
  sdk_version: number;
  suspend_mode: SuspendMode;
  strict: number;
  cache_mode: string;
  priority: number;
  weight: number;
  action_limit: number | null;
  origin_run: string | null;
  origin_kind: "rerun" | "recover" | "fork" | null;
  force: string | null;
  changed_only: number;
  error: string | null;
  event_seq: number;
  actions: number;
  divergences: number;
}

/** A row of `actions` without the values (input, result), which hot paths do not read. */
export interface ActionRow {
  run_id: string;
  id: string;
  parent_id: string | null;
  kind: ActionKind;
  task: string;
  phase: Phase;
  options: string;
  pool: string;
  ordinal: number;
  seq: number | null;
  attempt: number;
  user_failures: number;
  system_failures: number;
  isolated: number;
  /** Attempts lost to the platform since the action last made progress. */
  system_streak: number;
  /** Calls made and settled when an attempt was lost last. */
  progress: number;
  created_ms: number;
  queued_ms: number | null;
  started_ms: number | null;
  ended_ms: number | null;
  map_id: number | null;
  tolerated: number;
  group_name: string | null;
  children: number;
  settled: number;
  /** Last result the action had seen when it was parked last; 0 when it never was. */
  parked_seq: number;
  waits: string | null;
  code_hash: string | null;
  cache_key: string | null;
  epoch_ms: number;
  /** Where its code is; null: in the deployment of its run. */
  deployment: string | null;
}

export interface LeaseRow {
  run_id: string;
  action_id: string;
  token: string;
  runner_id: string;
  grant_id: string;
  attempt: number;
  granted_ms: number;
  must_end_ms: number | null;
}

export interface QueueRow {
  pool: string;
  rank: number;
  vtime: number;
  run_id: string;
  action_id: string;
}

export type TimerKind =
  | "sleep"
  | "retry"
  | "queue_limit"
  | "attempt_limit"
  | "deadline"
  | "wake"
  | "condition"
  /** The action waited for a cache entry or a concurrency key and may try again. */
  | "promote";

export interface TimerRow {
  due_ms: number;
  run_id: string;
  action_id: string;
  kind: TimerKind;
  attempt: number;
}

/** Columns of {@link ActionRow}, for SELECT lists. */
export const ACTION_COLUMNS: string = [
  "run_id, id, parent_id, kind, task, phase, options, pool, ordinal, seq, attempt",
  "user_failures, system_failures, isolated, created_ms, queued_ms, started_ms, ended_ms",
  "map_id, tolerated, group_name, children, settled, parked_seq, system_streak, progress, waits, code_hash, cache_key, epoch_ms, deployment",
].join(", ");

/** The same columns of a table alias. */
export function columnsOf(alias: string): string {
  return ACTION_COLUMNS.split(", ")
    .map((column) => `${alias}.${column}`)
    .join(", ");
}

/** Names an action in SQL parameters. */
export interface ActionKey {
  readonly run_id: string;
  readonly action_id: string;
}

/** One string per action, for maps inside a transaction. */
export function keyOf(runId: string, actionId: string): string {
  return `${runId}/${actionId}`;
}
