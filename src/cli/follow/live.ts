import type { RunEvent } from "../../core/event.ts";
import type { LogLine } from "../../core/protocol.ts";
import type { Terminal } from "../terminal.ts";
import { drawTree } from "./draw.ts";
import type { Follower, FollowOptions } from "./follower.ts";
import { LogLines } from "./log-lines.ts";
import { RunTree } from "./tree.ts";
import { summary } from "./words.ts";

const REDRAW_MS = 100;
const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_BELOW = "\u001b[0J";

/** A tree that is drawn over itself, at most ten times a second. */
export class LiveFollower implements Follower {
  readonly tree: RunTree = new RunTree();
  readonly #terminal: Terminal;
  readonly #options: FollowOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #logs: LogLines;
  #lines = 0;
  #pending: string[] = [];

  constructor(terminal: Terminal, options: FollowOptions) {
    this.#terminal = terminal;
    this.#options = options;
    this.#logs = new LogLines(terminal, this.tree);
    this.#timer = setInterval(() => this.#redraw(), REDRAW_MS);
    this.#timer.unref();
    terminal.draw(HIDE_CURSOR);
    process.once("exit", showCursor);
  }

  show(events: readonly RunEvent[]): void {
    for (const event of events) this.tree.apply(event);
  }

  log(action: string, lines: readonly LogLine[]): void {
    this.#logs.add(action, lines);
  }

  say(text: string): void {
    this.#pending.push(text);
    this.#redraw();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#redraw(true);
    process.off("exit", showCursor);
    this.#terminal.draw(SHOW_CURSOR);
    if (this.tree.isOver) this.#terminal.note(summary(this.#terminal, this.tree));
  }

  #redraw(isEnd = false): void {
    const { run, url } = this.#options;
    const lines = drawTree(this.#terminal, this.tree, { run, url, nowMs: Date.now() });
    const back = this.#lines === 0 ? "" : `\u001b[${this.#lines}A\r${CLEAR_BELOW}`;
    this.#pending.push(...this.#logs.take(isEnd));
    const above = this.#pending.map((line) => `${line}\n`).join("");
    this.#pending = [];
    this.#lines = lines.length;
    this.#terminal.draw(`${back}${above}${lines.join("\n")}\n`);
  }
}

function showCursor(): void {
  process.stderr.write(SHOW_CURSOR);
}
