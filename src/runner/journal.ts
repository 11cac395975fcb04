import type { JournalEntry } from "../core/protocol.ts";

/**
 * The settled calls of one parent in the order in which they were recorded. Kept when the parent is parked, so that
 * a warm runner fetches only what is new.
 */
export class Journal {
  readonly #entries: JournalEntry[] = [];

  /** Sequence of the last entry. */
  get seq(): number {
    return this.#entries.length;
  }

  /** Entry number `seq`, counted from 1. */
  at(seq: number): JournalEntry | undefined {
    return this.#entries[seq - 1];
  }

  /** Ids of the calls whose results are recorded. */
  ids(): Set<string> {
    return new Set(this.#entries.map((entry) => entry.id));
  }

  /** Appends what is new, in order; what is known already is skipped. False when entries in between are missing. */
  append(entries: readonly JournalEntry[]): boolean {
    for (const entry of entries) {
      if (entry.seq <= this.seq) continue;
      if (entry.seq !== this.seq + 1) return false;
      this.#entries.push(entry);
    }
    return true;
  }
}
