import { describeSource } from "../config/layer.ts";
import { type Configuration, flagsOnly, loadConfig, settingOf } from "../config/load.ts";
import { GodwitError } from "../core/errors.ts";
import type { Cli, OutputFormat } from "./cli.ts";
import { flagTexts } from "./common-flags.ts";
import type { Terminal } from "./terminal.ts";

/**
 * What a verb gets, out of its flags and the configuration.
 *
 * @throws GodwitError what `loadConfig` throws, unless the verb can do without
 */
export async function openCli(
  terminal: Terminal,
  options: Readonly<Record<string, unknown>>,
  isConfigOptional: boolean,
): Promise<Cli> {
  const { config, fault } = await readConfig(options, isConfigOptional);
  for (const warning of config.warnings) terminal.note(`${terminal.paint("yellow", "warning")}: ${warning}`);
  return {
    terminal,
    config,
    configFault: fault,
    isVerbose: options["verbose"] === true,
    output: settingOf(config, "output") as OutputFormat,
    showsLogs: options["logs"] !== false,
    dataDir: settingOf(config, "dataDir"),
    endpoint: settingOf(config, "endpoint"),
    token: settingOf(config, "token"),
    project: settingOf(config, "project"),
    domain: settingOf(config, "domain"),
  };
}

/** A command that finds faults, or needs no settings, does what it can without those of files. */
async function readConfig(
  options: Readonly<Record<string, unknown>>,
  isOptional: boolean,
): Promise<{ readonly config: Configuration; readonly fault: unknown }> {
  const flags = flagTexts(options);
  try {
    return { config: await loadConfig(flags), fault: undefined };
  } catch (fault) {
    if (!isOptional) throw fault;
    return { config: flagsOnly(flags), fault };
  }
}

/** A refusal that has to do with a token which was held back says so. */
export function explainWithheldToken(error: unknown, { config, endpoint }: Cli): unknown {
  if (!(error instanceof GodwitError) || error.code !== "UNAUTHENTICATED" || config.withheldToken === null) {
    return error;
  }
  const place = describeSource(config.withheldToken);
  return new GodwitError(error.code, error.message, {
    cause: error,
    hint: `The token of ${place} stands beside another endpoint, so ${endpoint} does not get it; \`GODWIT_TOKEN\` gives one for any.`,
  });
}
