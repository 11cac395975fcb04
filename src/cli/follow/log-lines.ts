import type { LogLine } from "../../core/protocol.ts";
import type { Terminal } from "../terminal.ts";
import type { ActionNode, RunTree } from "./tree.ts";
import { nameOf } from "./words.ts";

/** Log lines on their way to the terminal. Those of an action that no event has named yet wait for it. */
export class LogLines {
  readonly #terminal: Terminal;
  readonly #tree: RunTree;
  #held: { readonly action: string; readonly lines: readonly LogLine[] }[] = [];

  constructor(terminal: Terminal, tree: RunTree) {
    this.#terminal = terminal;
    this.#tree = tree;
  }

  add(action: string, lines: readonly LogLine[]): void {
    this.#held.push({ action, lines });
  }

  /** What can be shown now, with the name of its action before each line; at the end, all of it. */
  take(isEnd = false): string[] {
    const ready = this.#held.filter(({ action }) => isEnd || this.#tree.find(action) !== undefined);
    this.#held = this.#held.filter((entry) => !ready.includes(entry));
    return ready.flatMap(({ action, lines }) => format(this.#terminal, this.#tree.find(action), lines));
  }
}

function format(terminal: Terminal, node: ActionNode | undefined, lines: readonly LogLine[]): string[] {
  const name = terminal.paint("dim", `${node === undefined ? "task" : nameOf(node)} │`);
  return lines.map(({ level, text }) => {
    const shown =
      level === "error"
        ? terminal.paint("red", text)
        : level === "warn"
          ? terminal.paint("yellow", text)
          : text;
    return `${name} ${shown}`;
  });
}
