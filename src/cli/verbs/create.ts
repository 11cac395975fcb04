import { Option } from "commander";
import type { CreatedKey, KeyScope } from "../../client/api.ts";
import { type Duration, parseDuration } from "../../core/duration.ts";
import { GodwitError } from "../../core/errors.ts";
import { didYouMean } from "../../sdk/suggestion.ts";
import { withBackend } from "../backend.ts";
import type { Cli, Invocation } from "../cli.ts";
import { createConfig } from "../create/config.ts";
import { EXIT } from "../exit-code.ts";
import { formatTime } from "../print.ts";
import { collect, type Verb, withExamples } from "../verb.ts";

/** What can be made, by the word after `create`. */
const MAKERS: Readonly<Record<string, (cli: Cli, invocation: Invocation) => Promise<void>>> = {
  key: createKey,
  config: createConfig,
};

const SCOPES: readonly KeyScope[] = ["runs:read", "runs:write", "tasks:deploy", "runners", "admin"];

export const verb: Verb = {
  configure(command) {
    withExamples(command, [
      "godwit create key ci --scope tasks:deploy --scope runs:write --project search --expires 90d",
      "godwit create config --project search",
      "export GODWIT_TOKEN=$(godwit create key laptop --scope admin)",
    ]);
    command
      .argument("<what>", `one of ${Object.keys(MAKERS).join(", ")}`)
      .argument("[name]", "what people know a key by")
      .addOption(
        new Option("--scope <scope>", `one of ${SCOPES.join(", ")}; may be repeated`).argParser(collect),
      )
      .option("--all-projects", "the key may touch every project, whatever project is configured")
      .option("--user", "the configuration file is yours, for every project")
      .option("--expires <duration>", "how long it is good for, such as 90d (default for ever)");
  },
  async run(cli, invocation) {
    const [what = ""] = invocation.args;
    const make = MAKERS[what];
    if (make === undefined) throw unknown(what);
    await make(cli, invocation);
    return EXIT.ok;
  },
};

function unknown(what: string): GodwitError {
  const names = Object.keys(MAKERS);
  const message = `there is nothing called "${what}" to create.${didYouMean(what, names)}`;
  return new GodwitError("FLAG_INVALID", message, { hint: `One of ${names.join(", ")}.` });
}

async function createKey(cli: Cli, { args, options }: Invocation): Promise<void> {
  const [, name] = args;
  if (name === undefined) {
    throw new GodwitError("FLAG_INVALID", "which name?", { hint: "Write `godwit create key <name>`." });
  }
  const project = options["allProjects"] === true ? undefined : cli.project;
  const expires = options["expires"] as Duration | undefined;
  const body = {
    name,
    scopes: scopesOf(options["scope"] as readonly string[] | undefined),
    ...(project !== undefined && { project }),
    ...(expires !== undefined && { expiresMs: Date.now() + parseDuration(expires) }),
  };
  printKey(cli, await withBackend(cli, ({ client }) => client.createKey(body)));
}

function scopesOf(given: readonly string[] | undefined): readonly KeyScope[] {
  if (given === undefined) {
    throw new GodwitError("FLAG_INVALID", "which scopes?", {
      hint: `\`--scope\` takes ${SCOPES.join(", ")}.`,
    });
  }
  const unknown = given.find((scope) => !SCOPES.includes(scope as KeyScope));
  if (unknown === undefined) return given as readonly KeyScope[];
  throw new GodwitError("FLAG_INVALID", `there is no scope "${unknown}".${didYouMean(unknown, SCOPES)}`);
}

/** The key alone goes to stdout, so that it can go straight to where it is kept. */
function printKey({ terminal, output }: Cli, made: CreatedKey): void {
  if (output === "json") return terminal.data(JSON.stringify(made));
  if (output === "id") return terminal.data(made.id);
  const { id, name, scopes, project, expiresMs } = made;
  const until = expiresMs === null ? "for ever" : `until ${formatTime(expiresMs)}`;
  terminal.data(made.key);
  terminal.note(`key ${id} "${name}": ${scopes.join(", ")} in ${project ?? "all projects"}, ${until}`);
  terminal.note("it is shown this once; `godwit delete key` revokes it");
}
