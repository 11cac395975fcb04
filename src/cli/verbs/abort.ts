import { withBackend } from "../backend.ts";
import { EXIT } from "../exit-code.ts";
import { phaseWord, sign } from "../follow/words.ts";
import { checkRun } from "../place.ts";
import { type Verb, withExamples } from "../verb.ts";

export const verb: Verb = {
  configure(command) {
    withExamples(command, ["godwit abort r01a…", 'godwit abort r01a… --action k5v… --reason "wrong input"']);
    command
      .argument("<run>", "id of the run")
      .option("--action <id>", "only this action and what it called; its parent can catch the error")
      .option("--reason <text>", "why, for whoever reads it later");
  },
  async run(cli, { args, options }) {
    const [run = ""] = args;
    const action = options["action"] as string | undefined;
    const reason = options["reason"] as string | undefined;
    const { phase } = await withBackend(cli, async ({ client }) => {
      await checkRun(cli, client, run);
      return action === undefined
        ? client.abortRun(run, reason)
        : client.abortAction({ run, action }, reason);
    });
    const { terminal, output } = cli;
    if (output === "json") terminal.data(JSON.stringify({ run, action: action ?? null, phase }));
    else if (output === "id") terminal.data(run);
    else terminal.note(`${sign(terminal, phase)} ${action ?? run} is ${phaseWord(phase)}`);
    return EXIT.ok;
  },
};
