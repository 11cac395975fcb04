import { inputHashes } from "../core/cache.ts";
import { failed } from "../core/outcome.ts";
import type { CallReport, LeaseGrant, OutcomeReport } from "../core/protocol.ts";
import { isStored } from "../core/value/stored.ts";
import { findRefs } from "../core/value-ref.ts";
import type { NewCall } from "./host.ts";
import type { Session } from "./session.ts";
import type { Values } from "./values.ts";

/**
 * What a session hands to its runner is made ready to be reported: files are listed, large values brought to the blob
 * store. Whatever is small is handed on at once; only large values make a promise.
 */
type Ready<Item> = Item | Promise<Item>;

export function readyCall(values: Values, call: NewCall): Ready<NewCall> {
  const refs = findRefs(call.input);
  const whole = refs.length === 0 ? call : { ...call, refs };
  if (!values.isLarge(call.input)) return whole;
  const hashes = () => inputHashes(call.input, call.options.cache?.ignoredInputs);
  return values.keep(call.input, hashes).then((input) => ({ ...whole, input }));
}

/** A value that cannot be stored is the failure of the attempt that made it. */
export function readyOutcome(values: Values, report: OutcomeReport): Ready<OutcomeReport> {
  const { outcome, lease } = report;
  if (!outcome.ok) return report;
  const refs = findRefs(outcome.value);
  const whole = refs.length === 0 ? report : { ...report, refs };
  if (!values.isLarge(outcome.value)) return whole;
  const stored = values
    .keep(outcome.value)
    .then((value) => ({ ...whole, outcome: { ok: true as const, value } }));
  const action = lease.split("/")[1] ?? "";
  return stored.catch((error: unknown) => ({ ...report, outcome: failed(error, { action }) }));
}

/** A trace: its call and its outcome are one fact. */
export interface TraceReport {
  readonly call: CallReport;
  readonly outcome: OutcomeReport;
}

export function readyTrace(values: Values, { call, outcome }: TraceReport): Ready<TraceReport> {
  const refs = findRefs(call.input);
  const whole = refs.length === 0 ? call : { ...call, refs };
  const { value } = outcome.outcome.ok ? outcome.outcome : { value: "" };
  const ready = findRefs(value);
  const report = ready.length === 0 ? outcome : { ...outcome, refs: ready };
  if (!values.isLarge(call.input) && !values.isLarge(value)) return { call: whole, outcome: report };
  const kept = Promise.all([values.keep(call.input), values.keep(value)]);
  // Not the failure of the trace: it has happened, and is executed again when the parent is.
  return kept.then(([input, result]) => ({
    call: { ...whole, input },
    outcome: outcome.outcome.ok ? { ...report, outcome: { ok: true, value: result } } : report,
  }));
}

/** Hands on what is ready, now or later. What cannot be made ready ends the session: it is executed again, or fails. */
export function whenReady<Item>(session: Session, item: Ready<Item>, next: (item: Item) => void): void {
  if (!(item instanceof Promise)) return next(item);
  const { task, action } = session.grant;
  item.then(next, (error: unknown) => session.end(failed(error, { task, action })));
}

/** The values that came with a lease, as they are. */
export interface GivenValues {
  readonly input: string;
  readonly checkpoint: string | null;
}

/** The input of an action and the checkpoint of its last attempt; fetched if they are in the blob store. */
export function readGiven(values: Values, grant: LeaseGrant): Ready<GivenValues> {
  return isStored(grant.input) || isStored(grant.checkpoint ?? "") ? fetchGiven(values, grant) : grant;
}

async function fetchGiven(values: Values, { action, input, checkpoint }: LeaseGrant): Promise<GivenValues> {
  return {
    input: await values.read(input, { action, what: "input" }),
    checkpoint: checkpoint === null ? null : await values.read(checkpoint, { action, what: "checkpoint" }),
  };
}
