import { type Command, Option } from "commander";
import type { FlagTexts } from "../config/load.ts";
import { LOCAL_ENDPOINT, OUTPUT_FORMATS } from "../config/settings.ts";
import { GodwitError } from "../core/errors.ts";

/** Heading of the flags that every command takes. */
const GROUP = "Flags of every command:";

interface CommonFlag {
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
}

const COMMON_FLAGS: readonly CommonFlag[] = [
  {
    flags: "-o, --output <format>",
    description: "how data is printed (GODWIT_OUTPUT, default table)",
    choices: OUTPUT_FORMATS,
  },
  { flags: "-p, --project <name>", description: "project that is meant (GODWIT_PROJECT)" },
  { flags: "-d, --domain <name>", description: "domain of the project that is meant (GODWIT_DOMAIN)" },
  { flags: "--profile <name>", description: "profile of the configuration files (GODWIT_PROFILE)" },
  {
    flags: "--endpoint <url>",
    description: "coordinator to use instead of this machine (GODWIT_ENDPOINT)",
  },
  { flags: "--local", description: "use this machine, whatever endpoint is configured" },
  {
    flags: "--data-dir <folder>",
    description: "data of the engine on this machine (GODWIT_DATA_DIR, default .godwit)",
  },
  { flags: "-v, --verbose", description: "tell more when something fails" },
];

const OPTIONS: readonly Option[] = COMMON_FLAGS.map(({ flags, description, choices }) => {
  const option = new Option(flags, description).helpGroup(GROUP);
  return choices === undefined ? option : option.choices([...choices]);
});

/** Long names of the flags of every command, without dashes. */
export const COMMON_FLAG_NAMES: readonly string[] = OPTIONS.map((option) => option.name());

/** Flags whose next argument is their value. */
const WITH_VALUE: ReadonlySet<string> = new Set(
  OPTIONS.filter(({ required }) => required).flatMap(({ short, long }) =>
    [short, long].filter((flag) => flag !== undefined),
  ),
);

export function addCommonFlags(command: Command): void {
  for (const option of OPTIONS) command.addOption(option);
}

/** Where the name of the command stands: the first argument that is neither a flag nor the value of one. */
export function findVerbIndex(args: readonly string[]): number {
  return args.findIndex((arg, at) => !arg.startsWith("-") && !WITH_VALUE.has(args[at - 1] ?? ""));
}

/** What the flags say of settings. @throws GodwitError FLAG_INVALID */
export function flagTexts(options: Readonly<Record<string, unknown>>): FlagTexts {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  if (options["local"] === true && text("endpoint") !== undefined) {
    throw new GodwitError("FLAG_INVALID", "--local and --endpoint exclude each other");
  }
  return {
    profile: text("profile"),
    endpoint: options["local"] === true ? LOCAL_ENDPOINT : text("endpoint"),
    project: text("project"),
    domain: text("domain"),
    dataDir: text("dataDir"),
    output: text("output"),
  };
}

/** The same without a command: what a whole command line says of its settings, as far as it can be told. */
export function peekFlags(args: readonly string[]): FlagTexts {
  const valueAfter = (flag: string): string | undefined => {
    const at = args.findLastIndex((arg) => arg === flag || arg.startsWith(`${flag}=`));
    if (at === -1) return undefined;
    const arg = args[at] ?? "";
    return arg === flag ? args[at + 1] : arg.slice(flag.length + 1);
  };
  const endpoint = args.includes("--local") ? LOCAL_ENDPOINT : valueAfter("--endpoint");
  return { profile: valueAfter("--profile"), endpoint };
}
