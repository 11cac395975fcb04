import type { TextPlace } from "../definition-place.ts";

/** Turns places in a text into offsets, and back. */
export class TextLines {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) this.#starts.push(at + 1);
  }

  offsetOf({ line, column }: TextPlace): number {
    return (this.#starts[line] ?? 0) + column;
  }

  placeOf(offset: number): TextPlace {
    let first = 0;
    for (let last = this.#starts.length - 1; first < last; ) {
      const middle = Math.ceil((first + last) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) first = middle;
      else last = middle - 1;
    }
    return { line: first, column: offset - (this.#starts[first] ?? 0) };
  }
}
