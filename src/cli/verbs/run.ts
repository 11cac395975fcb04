import { Option } from "commander";
import { GodwitError } from "../../core/errors.ts";
import type { Cli, Invocation } from "../cli.ts";
import { EXIT } from "../exit-code.ts";
import { collect, type Verb, withExamples } from "../verb.ts";
import type { RunOptions } from "../wanted.ts";

export const verb: Verb = {
  configure(command) {
    withExamples(command, [
      "godwit run hello.ts main --data '[1,2,3]'",
      "godwit run train.ts train --input @config.json -o json",
      "godwit run hello.ts main --help",
    ]);
    command
      .usage("<file> <task> [flags of the task] [flags]")
      .argument("[file]", "file that defines the task")
      .argument("[task]", "name of the task, with its environment when two have it")
      .argument("[inputs...]", "flags of the task")
      .allowUnknownOption()
      .helpOption(false)
      .option("-h, --help", "show this, or the flags of a task when a file and a task are given")
      .option("--input <json>", "the whole input: JSON, @file or - for stdin")
      .option("--name <name>", "name of the run, a label")
      .option("--label <key=value>", "label of the run; may be repeated", collect)
      .option("--context <key=value>", "custom context of the run; may be repeated", collect)
      .addOption(
        new Option("--cache <mode>", "how the run uses the cache").choices(["use", "overwrite", "disable"]),
      )
      .addOption(
        new Option("--suspend <mode>", "when waiting parents are parked").choices([
          "auto",
          "always",
          "never",
        ]),
      )
      .option("--strict", "fail a task whose replay leaves its recorded path")
      .option("--priority <number>", "higher runs first", Number)
      .option("--recover <run>", "reuse what succeeded in an older run")
      .option("--external <package>", "leave a package out of the bundle; may be repeated", collect)
      .option("--no-logs", "do not show what tasks print")
      .option("--detach", "start it on the coordinator and do not wait");
  },
  async run(cli, invocation) {
    const { file, task, rest, options } = read(invocation);
    const isHelp = invocation.options["help"] === true;
    if (isHelp && file === undefined) {
      invocation.showHelp();
      return EXIT.ok;
    }
    if (file === undefined) throw missing("a file and a task");
    if (isHelp) return showTaskHelp(cli, { file, task, external: options.external ?? [] });
    const wanted = { file, task, flags: rest, options };
    if (cli.endpoint !== undefined) return (await import("../remote/run.ts")).runRemotely(cli, wanted);
    return (await import("../local/run.ts")).runLocally(cli, wanted);
  },
};

function read({ args, options }: Invocation): {
  file: string | undefined;
  task: string | undefined;
  rest: string[];
  options: RunOptions;
} {
  const at = args.findIndex((arg) => arg.startsWith("--"));
  const names = at === -1 ? args : args.slice(0, at);
  const [file, task] = names;
  return { file, task, rest: [...names.slice(2), ...(at === -1 ? [] : args.slice(at))], options };
}

async function showTaskHelp(
  cli: Cli,
  {
    file,
    task,
    external,
  }: { readonly file: string; readonly task: string | undefined; readonly external: readonly string[] },
): Promise<number> {
  const { loadFile } = await import("../../bundle/load.ts");
  const { pickTask, shapeOf } = await import("../user-file.ts");
  const { taskHelp } = await import("../flags/task-help.ts");
  const definition = pickTask((await loadFile(file, { external })).registry, file, task);
  cli.terminal.data(taskHelp(definition.name, definition.description, shapeOf(definition)));
  return 0;
}

function missing(what: string): GodwitError {
  return new GodwitError("FLAG_INVALID", `run needs ${what}`, {
    hint: "`godwit run hello.ts main --data '[1,2,3]'` runs the task `main` of hello.ts.",
  });
}
