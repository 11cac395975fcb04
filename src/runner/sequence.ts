import { hash } from "node:crypto";

/** Numbers and ids that look random and are the same on every replay: a hash of seed, action and position. */
export class DurableSequence {
  readonly #seed: string;
  #drawn = 0;

  constructor(seed: string, action: string) {
    this.#seed = `${seed}/${action}`;
  }

  /** In [0, 1), 48 bits. */
  number(): number {
    return this.#next().readUIntBE(0, 6) / 2 ** 48;
  }

  /** An RFC 9562 UUID of version 8 (custom content). */
  uuid(): string {
    const bytes = this.#next();
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = bytes.toString("hex", 0, 16);
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  #next(): Buffer {
    return hash("sha256", `${this.#seed}/${this.#drawn++}`, "buffer");
  }
}
