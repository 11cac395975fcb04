import type { Terminal } from "../terminal.ts";
import type { Follower, FollowOptions } from "./follower.ts";
import { LiveFollower } from "./live.ts";
import { PlainFollower } from "./plain.ts";

/** A redrawn tree on a terminal, else a line per change. */
export function openFollower(terminal: Terminal, options: FollowOptions): Follower {
  return options.isLive ? new LiveFollower(terminal, options) : new PlainFollower(terminal, options);
}
