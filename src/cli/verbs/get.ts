import { Option } from "commander";
import { GodwitError } from "../../core/errors.ts";
import type { Phase } from "../../core/phase.ts";
import { didYouMean } from "../../sdk/suggestion.ts";
import { withBackend } from "../backend.ts";
import type { Cli, Invocation } from "../cli.ts";
import { EXIT } from "../exit-code.ts";
import { printConfig } from "../get/config.ts";
import { type GetOptions, NOUNS } from "../get/nouns.ts";
import { collect, type Verb, withExamples } from "../verb.ts";

export const verb: Verb = {
  configure(command) {
    withExamples(command, [
      "godwit get runs --phase failed --limit 10",
      "godwit get run r01a… -o json",
      "godwit get actions r01a… --phase failed",
      "godwit get deployments models",
      "godwit get config --profile prod",
    ]);
    command
      .argument("<what>", `one of ${names().join(", ")}`)
      .argument("[run]", "id of a run, name of a task, environment or id of a deployment")
      .argument("[action]", "id of an action")
      .addOption(new Option("--limit <number>", "how many at most").default(20).argParser(Number))
      .option("--phase <phase>", "only what is in this phase; may be repeated", collect)
      .option("--task <name>", "only this task")
      .option("--label <key[=value]>", "only runs with this label; may be repeated", collect);
  },
  async run(cli, invocation) {
    const [what = "", ...ids] = invocation.args;
    const printHere = WITHOUT_BACKEND[what];
    if (printHere !== undefined) {
      printHere(cli);
      return EXIT.ok;
    }
    const noun = NOUNS[what] ?? NOUNS[`${what}s`];
    if (noun === undefined) throw unknown(what);
    await withBackend(cli, ({ client }) => noun.print(cli, client, { ids, ...optionsOf(invocation) }));
    return EXIT.ok;
  },
};

/** What is known without asking anybody. */
const WITHOUT_BACKEND: Readonly<Record<string, (cli: Cli) => void>> = { config: printConfig };

function names(): string[] {
  return [...Object.keys(NOUNS), ...Object.keys(WITHOUT_BACKEND)];
}

function unknown(what: string): GodwitError {
  const message = `there is nothing called "${what}" to get.${didYouMean(what, names())}`;
  return new GodwitError("FLAG_INVALID", message, { hint: `One of ${names().join(", ")}.` });
}

function optionsOf({ options }: Invocation): Omit<GetOptions, "ids"> {
  const limit = Number(options["limit"]);
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new GodwitError(
      "FLAG_INVALID",
      `--limit takes a whole number from 1 on, not "${options["limit"]}"`,
    );
  }
  return {
    limit,
    phase: options["phase"] as readonly Phase[] | undefined,
    task: options["task"] as string | undefined,
    label: options["label"] as readonly string[] | undefined,
  };
}
