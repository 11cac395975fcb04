import { Option } from "commander";
import { GodwitError } from "../../core/errors.ts";
import { didYouMean } from "../../sdk/suggestion.ts";
import { coordinator } from "../start/coordinator.ts";
import type { Part } from "../start/part.ts";
import { runner } from "../start/runner.ts";
import { type Verb, withExamples } from "../verb.ts";

/** What can be started, by the word after `start`. */
const PARTS: Readonly<Record<string, Part>> = { coordinator, runner };

export const verb: Verb = {
  configure(command) {
    withExamples(command, [
      "godwit start coordinator",
      "godwit start coordinator --host 0.0.0.0 --database postgres://db/godwit --blobs s3://bucket/godwit",
      "GODWIT_TOKEN=gw_live_… godwit start runner --endpoint https://godwit.example.com",
    ]);
    command.argument("<what>", `one of ${Object.keys(PARTS).join(", ")}`);
    for (const [name, { flags }] of Object.entries(PARTS)) {
      for (const [flag, description] of flags)
        command.addOption(new Option(flag, description).helpGroup(`Flags of \`start ${name}\`:`));
    }
  },
  async run(cli, { args: [what = ""], options }) {
    const part = PARTS[what];
    if (part === undefined) throw unknown(what);
    for (const [name, other] of Object.entries(PARTS)) if (other !== part) refuse(name, other, options);
    return part.start(cli, options);
  },
};

function unknown(what: string): GodwitError {
  const names = Object.keys(PARTS);
  return new GodwitError(
    "FLAG_INVALID",
    `there is nothing called "${what}" to start.${didYouMean(what, names)}`,
    {
      hint: `One of ${names.join(", ")}.`,
    },
  );
}

/** A flag that has no effect was meant to have one. */
function refuse(name: string, { flags }: Part, options: Readonly<Record<string, unknown>>): void {
  const given = flags
    .map(([flag]) => new Option(flag))
    .find((flag) => options[flag.attributeName()] !== undefined);
  if (given === undefined) return;
  throw new GodwitError("FLAG_INVALID", `${given.long} is a flag of \`godwit start ${name}\``);
}
