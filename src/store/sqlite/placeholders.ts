/** SQL whose values are bound by their places. */
export interface Placed {
  /** With a `?` for each place. */
  readonly text: string;
  /** The number of the value, from 0, for each place. */
  readonly order: readonly number[];
}

/**
 * Turns `$1` (or `?1`) into `?`, as often as it occurs. To Node 22 a parameter with a number is one with a name, and
 * values that are given in order never reach it.
 *
 * @example place("SELECT * FROM t WHERE a = $1 OR b = $1") // { text: "SELECT * FROM t WHERE a = ? OR b = ?", order: [0, 0] }
 */
export function place(sql: string): Placed {
  const order: number[] = [];
  const text = sql.replaceAll(/[$?](\d+)/g, (_, number: string) => {
    order.push(Number(number) - 1);
    return "?";
  });
  return { text, order };
}
