import type { Random } from "../../ports/random.ts";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** Chance that a seed decides: the same seed draws the same numbers for ever. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** In [0, 1). */
  number(): number {
    // mulberry32: 32 bits of state are plenty for some thousand draws, and it is fast.
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.number() * (high - low + 1));
  }

  isLucky(probability: number): boolean {
    return probability > 0 && this.number() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new Error("nothing to pick from");
    return items[this.int(0, items.length - 1)] as Item;
  }

  /** Chance of its own for a part of the world, so that more draws there change nothing here. */
  fork(): Chance {
    return new Chance(Math.floor(this.number() * 2 ** 32));
  }

  /** The same as the port that the engine and the runners draw from. */
  random(prefix: string): Random {
    let drawn = 0;
    return {
      number: () => this.number(),
      nonce: (characters) => Array.from({ length: characters }, () => ALPHABET[this.int(0, 31)]).join(""),
      id: () => `${prefix}${String(drawn++).padStart(4, "0")}`,
    };
  }
}
