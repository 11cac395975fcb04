import type { CallReport, LeaseGrant } from "../core/protocol.ts";
import { environmentOf } from "../core/task-name.ts";
import type { NewCall } from "./host.ts";

/** A call as it is reported. */
export function callReport(lease: string, call: NewCall): CallReport {
  const { id, kind, task, input, refs, options, isReplaying } = call;
  const hasOptions = Object.keys(options).length > 0;
  return {
    ...{ lease, id, kind, task, input },
    ...(refs === undefined ? {} : { refs }),
    ...(hasOptions ? { options } : {}),
    ...(isReplaying ? { replaying: true } : {}),
  };
}

/**
 * Whether a runner may start a call of its own parent at once: nothing has to be asked first (a cache, a limit, an
 * older run), and the call is certainly new.
 */
export function canClaim(parent: LeaseGrant, call: NewCall): boolean {
  if (call.kind !== "task" || !parent.claims || parent.isolated || !call.isNew) return false;
  // With `always` every wait is to be a real one: a child that ran here would have ended before its parent could park.
  if (parent.suspendMode === "always") return false;
  // A task of another environment has runners of its own.
  if (call.options.remote !== undefined) return false;
  if (parent.environment !== null && environmentOf(call.task) !== parent.environment) return false;
  return call.options.cache === undefined && call.options.concurrency === undefined;
}

/** The lease of a child that the runner starts itself: what the coordinator would have granted. */
export function claimedGrant(
  parent: LeaseGrant,
  call: NewCall,
  of: { readonly lease: string; readonly nowMs: number },
): LeaseGrant {
  const { attemptMs, deadlineMs } = call.options.limits ?? {};
  const limits = [attemptMs, deadlineMs].filter((limit) => limit !== undefined);
  return {
    ...parent,
    action: call.id,
    lease: of.lease,
    parent: parent.action,
    task: call.task,
    input: call.input,
    options: call.options,
    attempt: 1,
    epochMs: of.nowMs,
    children: 0,
    parkedSeq: 0,
    settled: 0,
    journal: [],
    since: 0,
    checkpoint: null,
    checkpointSeq: 0,
    mustEndMs: limits.length === 0 ? null : of.nowMs + Math.min(...limits),
    isolated: false,
  };
}
