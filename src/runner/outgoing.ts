import type { OutcomeReport } from "../core/protocol.ts";
import type { EncodedValue } from "../core/value.ts";
import type { PendingCheckpoints } from "./checkpoints.ts";
import type { NewCall } from "./host.ts";
import { readyCall, readyOutcome, readyTrace, type TraceReport, whenReady } from "./offload.ts";
import type { Redactor } from "./redactor.ts";
import type { Reporter } from "./reporter.ts";
import type { Session } from "./session.ts";
import type { SessionTable } from "./session-table.ts";

export interface OutgoingParts {
  readonly redactor: Redactor;
  readonly checkpoints: PendingCheckpoints;
  readonly sessions: SessionTable;
  readonly reporter: Reporter;
}

/** What sessions report that has values in it: large ones are in the blob store before anyone hears of them. */
export class Outgoing {
  readonly #parts: OutgoingParts;

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
  }

  send(session: Session, call: NewCall): void {
    const { reporter } = this.#parts;
    whenReady(session, readyCall(session.values, call), (ready) =>
      reporter.addCall({ session, call: ready }),
    );
  }

  sendTrace(session: Session, { call, outcome }: TraceReport): void {
    const { reporter, redactor } = this.#parts;
    const trace = readyTrace(session.values, { call, outcome: redactor.outcome(outcome) });
    whenReady(session, trace, (ready) => reporter.add({ kind: "trace", ...ready }));
  }

  settle(session: Session, report: OutcomeReport): void {
    const { reporter, redactor, sessions } = this.#parts;
    whenReady(session, readyOutcome(session.values, report), (outcome) => {
      // It kept its slot until its value was stored; if it was evicted meanwhile, nobody wants the outcome any more.
      if (sessions.remove(session)) reporter.add({ kind: "outcome", outcome: redactor.outcome(outcome) });
    });
  }

  async saveCheckpoint(session: Session, text: EncodedValue): Promise<void> {
    const { values } = session;
    const { reporter, checkpoints } = this.#parts;
    const seq = session.delivery.delivered;
    const value = values.isLarge(text) ? await values.keep(text) : text;
    const checkpoint = { lease: session.grant.lease, seq, value };
    reporter.add({ kind: "checkpoint", checkpoint });
    await checkpoints.add(checkpoint);
  }
}
