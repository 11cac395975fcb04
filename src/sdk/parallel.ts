/** Lets so many pieces of work go on at once; the others wait in line. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // Handed on rather than given back, so that nobody who comes just now jumps the line.
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

/**
 * Works on every item, `limit` of them at once. Items are taken only when there is room, so a long source is never
 * held in memory. The first failure stops the taking and is thrown when what was begun has ended.
 */
export async function forEachParallel<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const going = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  for await (const item of items) {
    if (failure !== undefined) break;
    const one: Promise<void> = work(item)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => going.delete(one));
    going.add(one);
    if (going.size >= limit) await Promise.race(going);
  }
  await Promise.all(going);
  if (failure !== undefined) throw failure.error;
}
