import type { CallOptions } from "../core/call.ts";
import type { ActionRow } from "../store/rows.ts";
import type { Work } from "./work.ts";

/** The deadline of an action counts from its first call, over all its attempts. */
export function startDeadline(work: Work, row: ActionRow, { limits }: CallOptions): void {
  if (limits?.deadlineMs === undefined) return;
  work.remind(row, { kind: "deadline", due_ms: work.nowMs + limits.deadlineMs, attempt: 0 });
}
