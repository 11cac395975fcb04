import type { NewAction } from "../store/actions.ts";

/** What is known of an action when it is called. */
type Given = Pick<
  NewAction,
  | "run_id"
  | "id"
  | "parent_id"
  | "kind"
  | "task"
  | "input"
  | "options"
  | "pool"
  | "ordinal"
  | "created_ms"
  | "code_hash"
  | "cache_key"
  | "epoch_ms"
  | "deployment"
> &
  Partial<Pick<NewAction, "map_id" | "tolerated" | "group_name">>;

/** An action of which nothing has happened yet. */
export function newAction(given: Given): NewAction {
  return {
    phase: "waiting",
    result: null,
    seq: null,
    attempt: 0,
    user_failures: 0,
    system_failures: 0,
    isolated: 0,
    queued_ms: null,
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
    ...given,
  };
}
