import type { ActionKind, CallOptions } from "../../core/call.ts";
import type { ErrorRecord, Json } from "../../core/error-record.ts";
import type { EventError } from "../../core/event.ts";
import type { Phase } from "../../core/phase.ts";
import type { ActionRef } from "../../core/protocol.ts";
import type { PageQuery } from "./page.ts";
import type { OutcomeView } from "./run.ts";

export interface ActionSummary {
  readonly run: string;
  readonly id: string;
  /** Null for the root. */
  readonly parent: string | null;
  readonly kind: ActionKind;
  readonly task: string;
  readonly label: string | null;
  readonly group: string | null;
  readonly phase: Phase;
  /** 1-based; 0 before the first attempt. */
  readonly attempt: number;
  /** Place in the order in which the run's actions were called. */
  readonly ordinal: number;
  readonly createdMs: number;
  readonly queuedMs: number | null;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  /** Calls it has made, and how many of them have ended. */
  readonly children: number;
  readonly settled: number;
  readonly error: EventError | null;
}

/** One try of an action. */
export interface AttemptView {
  readonly attempt: number;
  readonly runner: string | null;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  /** `user` and `system`: the budget its failure used; `released`: handed back undone; null while it goes on. */
  readonly end: "succeeded" | "user" | "system" | "released" | "ended" | null;
  readonly error: ErrorRecord | null;
}

export interface ActionDetail extends ActionSummary {
  readonly options: CallOptions;
  readonly codeHash: string | null;
  readonly cacheKey: string | null;
  readonly input: Json;
  readonly outcome: OutcomeView | null;
  readonly attempts: readonly AttemptView[];
}

/** A file or folder that an action took (`in`: part of its input) or gave (`out`: part of its result). */
export interface EdgeView {
  readonly action: string;
  readonly direction: "in" | "out";
  readonly kind: "file" | "dir";
  readonly uri: string;
  /** Of its content (of a folder: of its manifest); null when nobody knows it. */
  readonly sha256: string | null;
  readonly sizeBytes: number | null;
  readonly name: string | null;
  /** The action that made it; null when it was made outside of any run. */
  readonly producer: ActionRef | null;
  readonly atMs: number;
}

export interface EdgeQuery extends PageQuery {
  readonly action?: string;
}

export interface ActionQuery extends PageQuery {
  readonly parent?: string;
  readonly phase?: readonly Phase[];
  readonly task?: string;
}

/** How many actions share what was grouped by. */
export interface ActionCountView {
  readonly parent?: string | null;
  readonly task?: string;
  readonly phase?: Phase;
  readonly count: number;
}

export interface ActionCounts {
  readonly data: readonly ActionCountView[];
  /** True when there are more groups than are listed: ask for one parent, or group by less. */
  readonly isTruncated: boolean;
}

export interface ConditionView {
  readonly run: string;
  readonly action: string;
  readonly project: string;
  readonly domain: string;
  readonly name: string;
  readonly prompt: string | null;
  /** JSON Schema of the answer; null accepts anything. */
  readonly schema: Json;
  readonly createdMs: number;
  readonly dueMs: number | null;
}

/** The phase a run or an action is in after a request to abort it. */
export interface Aborted {
  readonly phase: Phase;
}

/** Which condition was answered. */
export interface Signalled {
  readonly run: string;
  readonly action: string;
}
