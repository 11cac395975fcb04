import type { Cli } from "./cli.ts";

/** Says what failed in a process that goes on; whole stacks with `-v`. */
export function tellError({ terminal, isVerbose }: Cli, error: unknown): void {
  const text = error instanceof Error ? (isVerbose ? error.stack : error.message) : String(error);
  terminal.note(`${terminal.paint("red", "error")} ${text}`);
}
