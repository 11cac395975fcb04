import { formatDuration } from "../../core/duration.ts";
import type { RunEvent } from "../../core/event.ts";
import { isTerminal, type Phase } from "../../core/phase.ts";
import type { LogLine } from "../../core/protocol.ts";
import type { Terminal } from "../terminal.ts";
import { COLLAPSE_ABOVE } from "./draw.ts";
import type { Follower, FollowOptions } from "./follower.ts";
import { LogLines } from "./log-lines.ts";
import { type ActionNode, RunTree, type Siblings } from "./tree.ts";
import { countsOf, nameOf, phaseWord, reuseOf, shortName, sign, summary, waitOf } from "./words.ts";

const COUNT_EVERY_MS = 1_000;
/** What nobody needs a line for: an action is in and out of these all the time. */
const QUIET: ReadonlySet<Phase> = new Set(["queued", "waiting", "initializing", "suspended"]);

/** One line per change; of many calls of one task only how many are where, once a second. */
export class PlainFollower implements Follower {
  readonly tree: RunTree = new RunTree();
  readonly #terminal: Terminal;
  readonly #options: FollowOptions;
  readonly #changed = new Set<Siblings>();
  readonly #seen = new Map<string, string>();
  readonly #logs: LogLines;
  readonly #timer: NodeJS.Timeout;
  #isStarted: boolean;

  constructor(terminal: Terminal, options: FollowOptions) {
    this.#terminal = terminal;
    this.#options = options;
    this.#logs = new LogLines(terminal, this.tree);
    this.#isStarted = options.isResumed === true;
    this.#timer = setInterval(() => this.#showCounts(), COUNT_EVERY_MS);
    this.#timer.unref();
  }

  show(events: readonly RunEvent[]): void {
    for (const event of events) {
      const node = this.tree.apply(event);
      if (node === null || event.seq <= (this.#options.after ?? 0)) continue;
      // Now that the action has a name: before the line that says that it has ended.
      this.#showLogs(false);
      if (node.parent === null) this.#showRoot(node);
      else this.#showAction(node);
    }
  }

  #showRoot(node: ActionNode): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const { run, url } = this.#options;
    this.#terminal.note(
      [run, shortName(node.task), "started", url ?? ""].filter((part) => part !== "").join("  "),
    );
  }

  #showAction(node: ActionNode): void {
    if (node.group !== null && node.group.nodes.length > COLLAPSE_ABOVE) {
      this.#changed.add(node.group);
      return;
    }
    const change = `${node.phase} ${node.attempt}`;
    if (QUIET.has(node.phase) || this.#seen.get(node.id) === change) return;
    // A parked parent that goes on has not changed for whoever watches.
    if (!isTerminal(node.phase)) this.#seen.set(node.id, change);
    else this.#seen.delete(node.id);
    const startedMs = node.startedMs ?? node.createdMs;
    const time = node.endedMs === null ? "" : formatDuration(node.endedMs - startedMs);
    const retry = node.attempt > 1 ? `attempt ${node.attempt}` : "";
    const told = node.error?.message.split("\n")[0] ?? waitOf(node, this.#options.run);
    const parts = [nameOf(node), reuseOf(node) || phaseWord(node.phase), time, retry, told];
    this.#terminal.note(
      `${sign(this.#terminal, node.phase)} ${parts.filter((part) => part !== "").join("  ")}`,
    );
  }

  #showCounts(): void {
    for (const siblings of this.#changed) {
      const name = `${shortName(siblings.task)} ×${siblings.nodes.length}`;
      this.#terminal.note(`${name}  ${countsOf(this.#terminal, siblings)}`);
    }
    this.#changed.clear();
  }

  log(action: string, lines: readonly LogLine[]): void {
    this.#logs.add(action, lines);
    this.#showLogs(false);
  }

  #showLogs(isEnd: boolean): void {
    for (const line of this.#logs.take(isEnd)) this.#terminal.note(line);
  }

  say(text: string): void {
    this.#terminal.note(text);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#showLogs(true);
    this.#showCounts();
    if (this.tree.isOver) this.#terminal.note(summary(this.#terminal, this.tree));
  }
}
