import type { Terminal } from "./terminal.ts";

/** A fault is told when it has come this often: one that passes by itself is nobody's concern. */
const TOLD_AT = 3;

/** Tells of faults that keep coming back, each once: without it, endless retries look like a task that hangs. */
export class Complaints {
  readonly #terminal: Terminal;
  readonly #counts = new Map<string, number>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  add(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    const count = (this.#counts.get(text) ?? 0) + 1;
    this.#counts.set(text, count);
    if (count !== TOLD_AT) return;
    this.#terminal.note(`${this.#terminal.paint("yellow", "trying again and again")}: ${text}`);
  }
}
