import { runAgain } from "../run-again.ts";
import { collect, type Verb, withExamples } from "../verb.ts";

export const verb: Verb = {
  configure(command) {
    withExamples(command, ["godwit fork r01a… train.ts --changed"]);
    command
      .argument("<run>", "id of the older run: what succeeded in it is reused")
      .argument("<file>", "file with the new code")
      .option("--changed", "execute again whatever has other code now")
      .option("--force <task|action>", "execute this again all the same; may be repeated", collect)
      .option("--input <json>", "another input: JSON, @file or - for stdin")
      .option("--external <package>", "leave a package out of the bundle; may be repeated", collect)
      .option("--no-logs", "do not show what tasks print")
      .option("--detach", "start it on the coordinator and do not wait");
  },
  run: (cli, { args, options }) =>
    runAgain(
      cli,
      {
        run: args[0] ?? "",
        kind: "fork",
        file: args[1],
        input: options["input"] as string | undefined,
        force: options["force"] as readonly string[] | undefined,
        isChangedOnly: options["changed"] === true,
        external: options["external"] as readonly string[] | undefined,
      },
      options,
    ),
};
