import { Command, CommanderError } from "commander";
import { GodwitError } from "../core/errors.ts";
import { didYouMean } from "../sdk/suggestion.ts";
import { addCommonFlags, findVerbIndex } from "./common-flags.ts";
import { EXIT, exitCodeOf } from "./exit-code.ts";
import { explainWithheldToken, openCli } from "./open-cli.ts";
import { reportError } from "./report-error.ts";
import type { Terminal } from "./terminal.ts";
import type { VerbEntry } from "./verb.ts";
import { VERBS } from "./verbs.ts";
import { version } from "./version.ts";

/** Parses and does one command. Every error ends here, as an exit code and a message. */
export async function execute(terminal: Terminal, args: readonly string[]): Promise<number> {
  try {
    return await dispatch(terminal, args);
  } catch (error) {
    const isVerbose = args.some((arg) => arg === "--verbose" || /^-v+$/.test(arg));
    if (error instanceof ReportedError) return error.exitCode;
    reportError(terminal, error, { isVerbose });
    return exitCodeOf(error);
  }
}

/** A failure that was told already. */
export class ReportedError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("reported");
    this.exitCode = exitCode;
  }
}

async function dispatch(terminal: Terminal, args: readonly string[]): Promise<number> {
  const at = findVerbIndex(args);
  const name = at === -1 ? undefined : args[at];
  if (name === undefined || name === "help") return topLevel(terminal, args, at);
  const entry = VERBS.find((verb) => verb.name === name);
  if (entry === undefined) {
    const names = VERBS.map((verb) => verb.name);
    throw new GodwitError("FLAG_UNKNOWN", `there is no command \`${name}\`.${didYouMean(name, names)}`, {
      hint: `Commands: ${names.join(", ")}.`,
    });
  }
  return runVerb(terminal, entry, [...args.slice(0, at), ...args.slice(at + 1)]);
}

async function topLevel(terminal: Terminal, args: readonly string[], at: number): Promise<number> {
  const about = at === -1 ? undefined : args[at + 1];
  const entry = VERBS.find((verb) => verb.name === about);
  if (entry !== undefined) return runVerb(terminal, entry, ["--help"]);
  if (args.includes("--version") || args.includes("-V")) {
    terminal.data(version());
    return EXIT.ok;
  }
  const isAsked = at !== -1 || args.includes("--help") || args.includes("-h");
  const unknown = args.find((arg) => arg.startsWith("-") && !["--help", "-h"].includes(arg));
  if (unknown !== undefined) {
    throw new GodwitError("FLAG_UNKNOWN", `there is no flag \`${unknown}\` without a command`);
  }
  if (isAsked) terminal.data(overview());
  else terminal.note(overview());
  return isAsked ? EXIT.ok : EXIT.usage;
}

function overview(): string {
  const groups = Map.groupBy(VERBS, (verb) => verb.group);
  const width = Math.max(...VERBS.map((verb) => verb.name.length));
  const lines = [...groups].flatMap(([group, verbs]) => [
    "",
    `${group}:`,
    ...verbs.map((verb) => `  ${verb.name.padEnd(width)}  ${verb.summary}`),
  ]);
  return [
    "Durable TypeScript workflows on the serverless compute you already own.",
    "",
    "Usage: godwit <command> [arguments] [flags]",
    ...lines,
    "",
    "`godwit <command> --help` tells more about one.",
  ].join("\n");
}

async function runVerb(terminal: Terminal, entry: VerbEntry, args: readonly string[]): Promise<number> {
  const { verb } = await entry.load();
  const command = newCommand(terminal, entry);
  verb.configure(command);
  addCommonFlags(command);
  let exitCode: number = EXIT.ok;
  command.action(async () => {
    const options = command.opts();
    const showHelp = (): void => command.outputHelp();
    const cli = await openCli(terminal, options, verb.isConfigOptional === true || options["help"] === true);
    try {
      exitCode = await verb.run(cli, { args: command.args, options, showHelp });
    } catch (error) {
      throw explainWithheldToken(error, cli);
    }
  });
  try {
    await command.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.ok;
    throw usageError(error, entry.name);
  }
  return exitCode;
}

function newCommand(terminal: Terminal, { name, summary }: VerbEntry): Command {
  return new Command(`godwit ${name}`)
    .description(summary)
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ writeOut: (text) => terminal.data(text.trimEnd()), writeErr: () => undefined });
}

/** Commander's complaint in our words. */
function usageError({ code, message }: CommanderError, verb: string): GodwitError {
  const text = message.replace(/^error: /, "").split("\n")[0] ?? "";
  const hint = `\`godwit ${verb} --help\` shows what it takes.`;
  return new GodwitError(code === "commander.unknownOption" ? "FLAG_UNKNOWN" : "FLAG_INVALID", text, {
    hint,
  });
}
