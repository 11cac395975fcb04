import type { WarmReport } from "../core/protocol.ts";
import type { Journal } from "./journal.ts";

const MAX_JOURNALS = 256;
/** Results kept over all parked parents; the least recently parked go first. */
const MAX_RESULTS = 500_000;

/** Journals of parents this runner parked: when one comes back, only what is new has to be fetched. */
export class WarmJournals {
  readonly #journals = new Map<
    string,
    { readonly run: string; readonly action: string; readonly journal: Journal }
  >();
  #results = 0;

  keep(run: string, action: string, journal: Journal): void {
    this.#journals.set(`${run}/${action}`, { run, action, journal });
    this.#results += journal.seq;
    for (const [key, oldest] of this.#journals) {
      if (this.#journals.size <= MAX_JOURNALS && this.#results <= MAX_RESULTS) return;
      this.#journals.delete(key);
      this.#results -= oldest.journal.seq;
    }
  }

  take(run: string, action: string): Journal | undefined {
    const found = this.#journals.get(`${run}/${action}`)?.journal;
    if (found === undefined) return undefined;
    this.#journals.delete(`${run}/${action}`);
    this.#results -= found.seq;
    return found;
  }

  reports(): WarmReport[] {
    return [...this.#journals.values()].map(({ run, action, journal }) => ({
      run,
      action,
      seq: journal.seq,
    }));
  }
}
