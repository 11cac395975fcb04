import type { SqlValue } from "./driver.ts";

/** A part of an ordered list. */
export interface Page<Position> {
  /** Where the part before ended; null starts at the first row. */
  readonly after: Position | null;
  readonly limit: number;
}

/** The parameters of a statement whose conditions depend on what is asked for. */
export class Parameters {
  readonly values: SqlValue[] = [];

  /** Adds a value; gives its number. */
  number(value: SqlValue): number {
    return this.values.push(value);
  }

  /** Adds a value; gives its placeholder. */
  bind(value: SqlValue): string {
    return `$${this.number(value)}`;
  }
}
