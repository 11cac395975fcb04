import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { projectFileIn, userFileOf } from "../../config/find-file.ts";
import { surroundings } from "../../config/load.ts";
import { GodwitError } from "../../core/errors.ts";
import { ignoreData } from "../../local/data-ignore.ts";
import type { Cli, Invocation } from "../cli.ts";
import { configText } from "./config-text.ts";

/** Writes a configuration file to start from: that of the project in this folder, or that of the user. */
export async function createConfig(cli: Cli, { options }: Invocation): Promise<void> {
  const around = surroundings();
  const isUser = options["user"] === true;
  const path = isUser ? userFileOf(around) : projectFileIn(around.cwd);
  await write(path, configText(isUser ? "user" : "project", givenSettings(cli)), isUser);
  if (!isUser) await ignoreData(dirname(path));
  const { terminal, output } = cli;
  if (output === "json") return terminal.data(JSON.stringify({ file: path }));
  if (output === "id") return terminal.data(path);
  terminal.note(`${terminal.paint("green", "✓")} wrote ${path}`);
  terminal.note("`godwit get config` shows every setting and where it comes from");
}

/** What flags say goes into the file. */
function givenSettings({ config }: Cli): Readonly<Record<string, string>> {
  const entries = Object.entries(config.settings).filter(([, { source }]) => source.kind === "flag");
  return Object.fromEntries(entries.map(([name, { value }]) => [name, value ?? ""]));
}

async function write(path: string, text: string, isPrivate: boolean): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: "wx" });
    // It is where a token is kept.
    if (isPrivate) await chmod(path, 0o600);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new GodwitError("FILE_EXISTS", `${path} is there already`, { cause: error });
    throw new GodwitError("CONFIG_INVALID", `${path} cannot be written: ${message}`, {
      cause: error,
      hint: "Check the rights of the folder.",
    });
  }
}
