import { AbortedError, InterruptedError } from "../core/errors.ts";
import type { CheckpointReport } from "../core/protocol.ts";
import { decodeValue, type EncodedValue, encodeValue } from "../core/value.ts";
import type { CheckpointSlot } from "../sdk/session.ts";
import type { SessionHost } from "./host.ts";
import type { Session } from "./session.ts";

/** The checkpoint of an execution; `saved` is what an earlier attempt left. */
export function checkpointSlot(
  session: Session,
  host: SessionHost,
  saved: EncodedValue | null,
): CheckpointSlot {
  return {
    save: (value) => host.outgoing.saveCheckpoint(session, encodeValue(value)),
    load() {
      if (saved === null) return undefined;
      session.delivery.skipTo(session.grant.checkpointSeq);
      return decodeValue(saved);
    },
  };
}

/** Checkpoints on their way: the promise of each resolves when the coordinator has it. */
export class PendingCheckpoints {
  #pending: { readonly report: CheckpointReport; done(error: Error | null): void }[] = [];

  add(report: CheckpointReport): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ report, done: (error) => (error === null ? resolve() : reject(error)) });
    });
  }

  /** The coordinator answered these; for a lease that is gone they changed nothing. */
  finish(reports: readonly CheckpointReport[], stale: ReadonlySet<string>): void {
    const answered = new Set(reports);
    const finished = this.#pending.filter(({ report }) => answered.has(report));
    this.#pending = this.#pending.filter(({ report }) => !answered.has(report));
    for (const { report, done } of finished) {
      done(
        stale.has(report.lease) ? new AbortedError("the checkpoint came too late: the lease is gone") : null,
      );
    }
  }

  fail(reason: string): void {
    for (const { done } of this.#pending.splice(0)) done(new InterruptedError(reason));
  }
}
