import type { RunEvent } from "../../core/event.ts";
import type { LogLine } from "../../core/protocol.ts";
import type { RunTree } from "./tree.ts";

/** Shows a run to whoever started it. */
export interface Follower {
  readonly tree: RunTree;
  show(events: readonly RunEvent[]): void;
  /** Prints what a task has logged, above whatever is drawn. */
  log(action: string, lines: readonly LogLine[]): void;
  /** Says something, above whatever is drawn. */
  say(text: string): void;
  /** Draws what is left to draw; nothing is drawn afterwards. */
  end(): void;
}

export interface FollowOptions {
  readonly run: string;
  readonly url: string | null;
  readonly isLive: boolean;
  /** Another process showed the run before, up to event `after`. */
  readonly isResumed?: boolean;
  readonly after?: number;
}
