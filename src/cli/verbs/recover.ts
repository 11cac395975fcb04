import { runAgain } from "../run-again.ts";
import { collect, type Verb, withExamples } from "../verb.ts";

export const verb: Verb = {
  configure(command) {
    withExamples(command, ["godwit recover r01a…", "godwit recover r01a… --force hello.predict"]);
    command
      .argument("<run>", "id of the run to recover: what succeeded in it is reused")
      .option("--force <task|action>", "execute this again all the same; may be repeated", collect)
      .option("--no-logs", "do not show what tasks print")
      .option("--detach", "start it on the coordinator and do not wait");
  },
  run: (cli, { args, options }) =>
    runAgain(
      cli,
      { run: args[0] ?? "", kind: "recover", force: options["force"] as readonly string[] | undefined },
      options,
    ),
};
