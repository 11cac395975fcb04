import type { Cli } from "../cli.ts";

/** A part of the system that can be started by itself. */
export interface Part {
  /** Its flags, each with what it does. */
  readonly flags: readonly (readonly [flag: string, description: string])[];
  /** Starts it, and stops it when it is asked to; gives the exit code. */
  start(cli: Cli, options: Readonly<Record<string, unknown>>): Promise<number>;
}
