/** A run to start, and the result it has when nothing disturbs it. */
export interface Program {
  readonly task: string;
  readonly input: number;
  readonly expected: unknown;
}

const squares = (n: number): number =>
  Array.from({ length: n }, (_, i) => i * i).reduce((sum, value) => sum + value, 0);
const naturals = (n: number): number => (n * (n - 1)) / 2;
const tree = (depth: number): number => (depth === 0 ? 9 : 2 * tree(depth - 1) + depth);

const KINDS: readonly ((size: number) => Program)[] = [
  (size) => ({ task: "chaos.fanOut", input: 10 + size, expected: squares(10 + size) }),
  (size) => ({ task: "chaos.mapped", input: 5 + size, expected: squares(5 + size) }),
  (size) => ({ task: "chaos.sequence", input: 4 + size, expected: squares(4 + size) + naturals(4 + size) }),
  (size) => ({ task: "chaos.tree", input: 1 + (size % 4), expected: tree(1 + (size % 4)) }),
  (size) => ({
    task: "chaos.mixed",
    input: 2 + (size % 6),
    expected: { sum: squares(2 + (size % 6)) + 2 + (size % 6), caught: "RangeError" },
  }),
];

/** `count` runs of all kinds and several sizes. */
export function programs(count: number): Program[] {
  return Array.from({ length: count }, (_, i) => {
    const kind = KINDS[i % KINDS.length] as (size: number) => Program;
    return kind(Math.floor(i / KINDS.length) % 12);
  });
}
