import type { LogChunkView } from "../../client/api.ts";
import type { GodwitClient } from "../../client/client.ts";
import type { LogLine } from "../../core/protocol.ts";
import { withBackend } from "../backend.ts";
import type { Cli } from "../cli.ts";
import { EXIT } from "../exit-code.ts";
import { shortName } from "../follow/words.ts";
import { checkRun } from "../place.ts";
import { type Verb, withExamples } from "../verb.ts";

export const verb: Verb = {
  configure(command) {
    withExamples(command, [
      "godwit logs r01a…",
      "godwit logs r01a… --action k5v… --follow",
      "godwit logs r01a… -o json",
    ]);
    command
      .argument("<run>", "id of the run")
      .option("--action <id>", "only this action")
      .option("--attempt <number>", "only this attempt", Number)
      .option("-f, --follow", "go on until the run ends");
  },
  async run(cli, { args, options }) {
    const [run = ""] = args;
    const filter = {
      ...(options["action"] !== undefined && { action: String(options["action"]) }),
      ...(options["attempt"] !== undefined && { attempt: Number(options["attempt"]) }),
    };
    await withBackend(cli, async ({ client }) => {
      await checkRun(cli, client, run);
      const names = new ActionNames(client, run);
      const chunks = options["follow"] === true ? client.logs(run, filter) : stored(client, run, filter);
      for await (const chunk of chunks) await print(cli, chunk, names);
    });
    return EXIT.ok;
  },
};

async function* stored(
  client: GodwitClient,
  run: string,
  filter: { readonly action?: string; readonly attempt?: number },
): AsyncGenerator<LogChunkView> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const at = cursor === undefined ? filter : { ...filter, cursor };
    const page = await client.listLogs(run, { limit: 100, ...at });
    yield* page.data;
    cursor = page.nextCursor;
  }
}

async function print({ terminal, output }: Cli, chunk: LogChunkView, names: ActionNames): Promise<void> {
  const { action, attempt, lines } = chunk;
  if (output === "json") {
    for (const line of lines) terminal.data(JSON.stringify({ action, attempt, ...line }));
    return;
  }
  const name = await names.of(action);
  for (const line of lines) terminal.data(`${timeOf(line)} ${name} │ ${line.text}`);
}

function timeOf({ atMs }: LogLine): string {
  return new Date(atMs).toISOString().slice(11, 23);
}

/** Names of tasks by action: asked for once. */
class ActionNames {
  readonly #client: GodwitClient;
  readonly #run: string;
  readonly #names = new Map<string, string>();

  constructor(client: GodwitClient, run: string) {
    this.#client = client;
    this.#run = run;
  }

  async of(action: string): Promise<string> {
    const known = this.#names.get(action);
    if (known !== undefined) return known;
    const { task } = await this.#client.getAction(this.#run, action);
    const name = shortName(task);
    this.#names.set(action, name);
    return name;
  }
}
