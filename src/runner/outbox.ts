import type {
  AbortReport,
  CallReport,
  CheckpointReport,
  DivergenceReport,
  LogReport,
  OutcomeReport,
  SuspendReport,
} from "../core/protocol.ts";

/** Everything one report can carry. */
export interface Parcel {
  readonly calls: CallReport[];
  readonly outcomes: OutcomeReport[];
  readonly suspensions: SuspendReport[];
  readonly checkpoints: CheckpointReport[];
  readonly aborts: AbortReport[];
  readonly logs: LogReport[];
  readonly releases: string[];
  readonly divergences: DivergenceReport[];
}

/** Calls in one report: enough to make a transaction cheap per call, few enough to keep its reply quick. */
export const MAX_CALLS = 500;
/** Text in one report, so that requests stay far below every platform's body limit. */
const MAX_CHARACTERS = 4_000_000;

/**
 * What waits to be reported, in the order in which it came. A parcel holds a bounded number of calls; the rest stays
 * here, which is how a parent with 250,000 calls is slowed down to what the coordinator takes.
 */
export class Outbox {
  #items: Item[] = [];
  #head = 0;

  get isEmpty(): boolean {
    return this.#head >= this.#items.length;
  }

  add(item: Item): void {
    this.#items.push(item);
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Takes the next parcel. */
  take(): Parcel {
    const parcel: Parcel = {
      calls: [],
      outcomes: [],
      suspensions: [],
      checkpoints: [],
      aborts: [],
      logs: [],
      releases: [],
      divergences: [],
    };
    let characters = 0;
    while (!this.isEmpty && parcel.calls.length < MAX_CALLS && characters < MAX_CHARACTERS) {
      const item = this.#items[this.#head++] as Item;
      characters += put(parcel, item);
    }
    if (this.isEmpty) {
      this.#items = [];
      this.#head = 0;
    }
    return parcel;
  }
}

export type Item =
  | { readonly kind: "call"; readonly call: CallReport }
  /** A trace: its call and its outcome are one fact and travel together. */
  | { readonly kind: "trace"; readonly call: CallReport; readonly outcome: OutcomeReport }
  | { readonly kind: "outcome"; readonly outcome: OutcomeReport }
  | { readonly kind: "suspension"; readonly suspension: SuspendReport }
  | { readonly kind: "checkpoint"; readonly checkpoint: CheckpointReport }
  | { readonly kind: "abort"; readonly abort: AbortReport }
  | { readonly kind: "log"; readonly log: LogReport }
  | { readonly kind: "release"; readonly lease: string }
  | { readonly kind: "divergence"; readonly divergence: DivergenceReport };

/** Puts an item into a parcel; gives its rough size. */
function put(parcel: Parcel, item: Item): number {
  switch (item.kind) {
    case "call":
      return parcel.calls.push(item.call) && item.call.input.length;
    case "trace":
      parcel.calls.push(item.call);
      parcel.outcomes.push(item.outcome);
      return item.call.input.length + outcomeLength(item.outcome);
    case "outcome":
      return parcel.outcomes.push(item.outcome) && outcomeLength(item.outcome);
    case "suspension":
      return parcel.suspensions.push(item.suspension);
    case "checkpoint":
      return parcel.checkpoints.push(item.checkpoint) && item.checkpoint.value.length;
    case "abort":
      return parcel.aborts.push(item.abort);
    case "log":
      parcel.logs.push(item.log);
      return item.log.lines.reduce((sum, line) => sum + line.text.length, 0);
    case "release":
      return parcel.releases.push(item.lease);
    case "divergence":
      return parcel.divergences.push(item.divergence);
  }
}

function outcomeLength(report: OutcomeReport): number {
  return report.outcome.ok ? report.outcome.value.length : 1_000;
}

/** `run/action` an outcome is about. */
export function reportedAction({ lease, trace }: OutcomeReport): string {
  const [run, action] = lease.split("/");
  return `${run}/${trace ?? action}`;
}
