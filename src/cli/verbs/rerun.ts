import { runAgain } from "../run-again.ts";
import { type Verb, withExamples } from "../verb.ts";

export const verb: Verb = {
  configure(command) {
    withExamples(command, ["godwit rerun r01a…", "godwit rerun r01a… --input '{\"data\":[4,5]}'"]);
    command
      .argument("<run>", "id of the older run")
      .option("--input <json>", "another input: JSON, @file or - for stdin")
      .option("--no-logs", "do not show what tasks print")
      .option("--detach", "start it on the coordinator and do not wait");
  },
  run: (cli, { args, options }) =>
    runAgain(
      cli,
      { run: args[0] ?? "", kind: "rerun", input: options["input"] as string | undefined },
      options,
    ),
};
