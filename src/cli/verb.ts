import type { Command } from "commander";
import type { Cli, Invocation } from "./cli.ts";

/** One command, in a file of its own that is loaded when it is called. */
export interface Verb {
  /** Does its work, or part of it, when the configuration cannot be read. */
  readonly isConfigOptional?: boolean;
  /** Declares arguments, options and examples. */
  configure(command: Command): void;
  /** Does it; gives the exit code. */
  run(cli: Cli, invocation: Invocation): Promise<number>;
}

/** A command in the list of commands. */
export interface VerbEntry {
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  /** Executes tasks in this process when no coordinator is configured, so it gets a guard. */
  readonly isExecuting?: boolean;
  load(): Promise<{ readonly verb: Verb }>;
}

/** Examples come before options in the help of a command. */
export function withExamples(command: Command, examples: readonly string[]): void {
  command.addHelpText("before", `Examples:\n${examples.map((line) => `  ${line}`).join("\n")}\n`);
}

/** Gathers the values of an option that may be given more than once. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
