import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { EXIT } from "../exit-code.ts";
import { starterFiles } from "../init/starter.ts";
import { type Verb, withExamples } from "../verb.ts";
import { version } from "../version.ts";

export const verb: Verb = {
  isConfigOptional: true,
  configure(command) {
    withExamples(command, [
      "godwit init my-project",
      "cd my-project && godwit run hello.ts main --who world",
    ]);
    command.argument("[folder]", "where to make it", ".");
  },
  async run({ terminal, output }, { args }) {
    const folder = resolve(args[0] ?? ".");
    await mkdir(folder, { recursive: true });
    const made: string[] = [];
    for (const [name, text] of Object.entries(starterFiles(basename(folder), version()))) {
      const path = join(folder, name);
      // What is there stays as it is.
      if (existsSync(path)) terminal.note(`kept ${name}`);
      else {
        await writeFile(path, text);
        made.push(name);
      }
    }
    if (output === "json") terminal.data(JSON.stringify({ folder, files: made }));
    else if (output === "id") terminal.data(folder);
    else terminal.note(nextSteps(folder, made));
    return EXIT.ok;
  },
};

function nextSteps(folder: string, made: readonly string[]): string {
  const place = relative(process.cwd(), folder);
  const enter = place === "" ? [] : [`  cd ${place}`];
  return [
    `made ${made.length === 0 ? "nothing: everything is there" : made.join(", ")}`,
    "",
    "Next:",
    ...enter,
    "  godwit run hello.ts main --who world",
    "  npm install    # types for your editor",
  ].join("\n");
}
