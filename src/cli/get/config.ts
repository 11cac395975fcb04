import { describeSource } from "../../config/layer.ts";
import { maskValue, SETTINGS, type Setting } from "../../config/settings.ts";
import type { Cli } from "../cli.ts";
import { printList } from "../print.ts";

/** A setting as it is shown: nobody can use a secret that is printed here. */
interface ShownSetting {
  readonly setting: string;
  /** Null: it has none. */
  readonly value: string | null;
  /** A flag, a variable, `file:line`, or `default`. */
  readonly source: string;
}

/** Shows every setting and where it comes from. */
export function printConfig(cli: Cli): void {
  const { terminal, output, config } = cli;
  const settings = SETTINGS.map((setting) => shown(cli, setting));
  const { files, profiles } = config;
  if (output === "json") return terminal.data(JSON.stringify({ settings, files, profiles }));
  printList(cli, settings, {
    header: ["SETTING", "VALUE", "FROM"],
    row: ({ setting, value, source }) => [setting, value ?? "–", value === null ? "" : source],
    id: ({ setting }) => setting,
    empty: "",
  });
  if (output !== "table") return;
  terminal.note(`files read: ${files.length === 0 ? "none" : files.join(", ")}`);
  if (profiles.length > 0) terminal.note(`profiles: ${profiles.join(", ")}`);
  if (config.withheldToken !== null) {
    terminal.note(
      `the token of ${describeSource(config.withheldToken)} is for another endpoint, and not used`,
    );
  }
}

function shown({ config }: Cli, setting: Setting): ShownSetting {
  const { value, source } = config.settings[setting.name];
  return {
    setting: setting.name,
    value: value === undefined ? null : maskValue(setting, value),
    source: describeSource(source),
  };
}
