/** Texts by their hash, up to a number of characters; the least recently used go first. */
export class TextCache {
  readonly #limit: number;
  readonly #texts = new Map<string, string>();
  #characters = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(hash: string): string | undefined {
    const text = this.#texts.get(hash);
    if (text === undefined) return undefined;
    this.#texts.delete(hash);
    this.#texts.set(hash, text);
    return text;
  }

  add(hash: string, text: string): void {
    if (this.#texts.has(hash) || text.length > this.#limit) return;
    this.#texts.set(hash, text);
    this.#characters += text.length;
    for (const [oldest, { length }] of this.#texts) {
      if (this.#characters <= this.#limit) return;
      this.#texts.delete(oldest);
      this.#characters -= length;
    }
  }
}
