import type { ActionKind, CallOptions } from "../core/call.ts";
import type { AbortReport, DivergenceReport, LeaseGrant, LogLine, SuspendReport } from "../core/protocol.ts";
import type { ValueRef } from "../core/value-ref.ts";
import type { Clock } from "../ports/clock.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Redactor } from "./redactor.ts";
import type { Session } from "./session.ts";
import type { Values } from "./values.ts";

/** A call a session makes, before the runner decides whether to start it itself. */
export interface NewCall {
  readonly id: string;
  readonly kind: ActionKind;
  readonly task: string;
  readonly input: string;
  /** Files and folders in the input. */
  readonly refs?: readonly ValueRef[];
  readonly options: CallOptions;
  readonly isReplaying: boolean;
  /** Certainly not recorded yet: everything recorded was issued and delivered before it. */
  readonly isNew: boolean;
}

/** What a session needs of the runner that executes it. */
export interface SessionHost {
  readonly clock: Clock;
  /** Knows the secrets that tasks here were given. */
  readonly redactor: Redactor;
  /** The files and values of a session. */
  valuesOf(grant: LeaseGrant): Values;
  readonly outgoing: Outgoing;
  /** Cost of getting a parked session going again, apart from replaying it. */
  readonly startUpMs: number;
  /** When the backend ends this process (epoch ms); null when it does not. */
  readonly endMs: number | null;
  /** Runs user code so that console output and stray errors find their session. */
  enter<Result>(session: Session, run: () => Result): Result;
  park(session: Session, report: SuspendReport): void;
  abort(report: AbortReport): void;
  reportLog(lease: string, lines: readonly LogLine[]): void;
  reportDivergence(report: DivergenceReport): void;
  /** The session waits: its slot is free. */
  onWaiting(session: Session): void;
  onBusy(session: Session): void;
}
