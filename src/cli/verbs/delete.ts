import type { GodwitClient } from "../../client/client.ts";
import { GodwitError } from "../../core/errors.ts";
import { didYouMean } from "../../sdk/suggestion.ts";
import { withBackend } from "../backend.ts";
import { EXIT } from "../exit-code.ts";
import { type Verb, withExamples } from "../verb.ts";

/** What can be deleted, by the word after `delete`, and what that is called. */
const REMOVERS: Readonly<Record<string, (client: GodwitClient, id: string) => Promise<void>>> = {
  key: (client, id) => client.deleteKey(id),
};

export const verb: Verb = {
  configure(command) {
    withExamples(command, ["godwit delete key abcdefghijkl"]);
    command
      .argument("<what>", `one of ${Object.keys(REMOVERS).join(", ")}`)
      .argument("<id>", "which, as `godwit get` lists it");
  },
  async run(cli, { args }) {
    const [what = "", id = ""] = args;
    const remove = REMOVERS[what];
    if (remove === undefined) throw unknown(what);
    await withBackend(cli, ({ client }) => remove(client, id));
    const { terminal, output } = cli;
    if (output === "json") terminal.data(JSON.stringify({ [what]: id }));
    else if (output === "id") terminal.data(id);
    else terminal.note(`${terminal.paint("green", "✓")} ${what} ${id} is deleted`);
    return EXIT.ok;
  },
};

function unknown(what: string): GodwitError {
  const names = Object.keys(REMOVERS);
  const message = `there is nothing called "${what}" to delete.${didYouMean(what, names)}`;
  return new GodwitError("FLAG_INVALID", message, { hint: `One of ${names.join(", ")}.` });
}
