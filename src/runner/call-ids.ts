import { childActionId, inputHash } from "../core/identity.ts";
import { canonicalText, type EncodedValue } from "../core/value.ts";

/** Gives the calls of one execution their ids, and remembers which were made. */
export class CallIds {
  readonly #parent: string;
  readonly #issued = new Set<string>();
  /** How often a call was repeated identically, by the id of its first. */
  readonly #repeats = new Map<string, number>();

  constructor(parent: string) {
    this.#parent = parent;
  }

  /** Calls made so far. */
  get size(): number {
    return this.#issued.size;
  }

  has(id: string): boolean {
    return this.#issued.has(id);
  }

  /** The id of the next call of `task` with this input. */
  next(task: string, input: EncodedValue): string {
    const hash = inputHash(canonicalText(input));
    const first = childActionId(this.#parent, task, hash, 0);
    const id = this.#issued.has(first) ? this.#repeat(first, task, hash) : first;
    this.#issued.add(id);
    return id;
  }

  #repeat(first: string, task: string, hash: string): string {
    const nth = (this.#repeats.get(first) ?? 0) + 1;
    this.#repeats.set(first, nth);
    return childActionId(this.#parent, task, hash, nth);
  }
}
