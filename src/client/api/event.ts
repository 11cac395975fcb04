import type { RunEvent } from "../../core/event.ts";
import type { LogLine } from "../../core/protocol.ts";
import type { PageQuery } from "./page.ts";

/** Events after a sequence. */
export interface EventPage {
  readonly data: readonly RunEvent[];
  /** Ask for what comes after it. */
  readonly after: number;
  /** True when nothing comes any more. */
  readonly isEnded: boolean;
}

/** Lines that one attempt wrote together. */
export interface LogChunkView {
  readonly action: string;
  readonly attempt: number;
  /** Number within the run, in the order in which they were written. */
  readonly seq: number;
  readonly lines: readonly LogLine[];
}

export interface LogQuery extends PageQuery {
  readonly action?: string;
  readonly attempt?: number;
}
