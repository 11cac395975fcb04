import type { Json } from "../../core/error-record.ts";
import { withBackend } from "../backend.ts";
import { EXIT } from "../exit-code.ts";
import { looseJson } from "../flags/read-value.ts";
import { checkRun } from "../place.ts";
import { type Verb, withExamples } from "../verb.ts";

export const verb: Verb = {
  configure(command) {
    withExamples(command, [
      "godwit signal r01a… release '{\"approved\":true}'",
      "godwit signal r01a… name Ana",
    ]);
    command
      .argument("<run>", "id of the run")
      .argument("<condition>", "name of the condition, or the id of its action")
      .argument("[value]", "the answer: JSON, @file or - for stdin; anything else is a text")
      .option("--by <name>", "who answers");
  },
  async run(cli, { args, options }) {
    const [run = "", condition = "", text] = args;
    const by = options["by"] as string | undefined;
    const value = text === undefined ? {} : { value: looseJson(text, "the answer") as Json };
    const answered = await withBackend(cli, async ({ client }) => {
      await checkRun(cli, client, run);
      return client.signal({ run, condition }, { ...value, ...(by !== undefined && { by }) });
    });
    const { terminal, output } = cli;
    if (output === "json") terminal.data(JSON.stringify(answered));
    else if (output === "id") terminal.data(answered.action);
    else terminal.note(`${terminal.paint("green", "✓")} ${condition} of ${run} is answered`);
    return EXIT.ok;
  },
};
