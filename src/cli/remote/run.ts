import { loadFile } from "../../bundle/load.ts";
import type { StartRunBody } from "../../client/api.ts";
import { GodwitClient } from "../../client/client.ts";
import { encodeValue } from "../../core/value.ts";
import type { Cli } from "../cli.ts";
import { warnOfPlainRecursion } from "../deploy/recursion-warning.ts";
import { deployFor } from "../deploy/release.ts";
import { EXIT } from "../exit-code.ts";
import { parsePairs } from "../labels.ts";
import { placeOf } from "../place.ts";
import { pickTask, readTaskInput } from "../user-file.ts";
import type { RunOptions, WantedRun } from "../wanted.ts";
import { followRemotely } from "./follow.ts";
import { keepInput } from "./keep-input.ts";

/** Runs a task of a file on a coordinator: its environment is deployed there first. */
export async function runRemotely(cli: Cli, { file, task, flags, options }: WantedRun): Promise<number> {
  const external = options.external ?? [];
  const loaded = await loadFile(file, { external });
  const definition = pickTask(loaded.registry, file, task);
  const input = await readTaskInput(definition, { whole: options.input, flags });
  const client = new GodwitClient({ endpoint: cli.endpoint ?? "", token: cli.token });
  const { environment } = definition;
  await warnOfPlainRecursion(cli.terminal, loaded, [environment.name]);
  const deployment = await deployFor(client, loaded, {
    environment: environment.name,
    external,
    ...placeOf(cli),
  });
  const { id } = await client.startRun({
    task: definition.name,
    deployment,
    ...placeOf(cli),
    ...bodyOf(options),
    ...(input !== undefined && { input: await keepInput(cli, encodeValue(input)) }),
  });
  return options.detach === true ? tellStarted(cli, id) : followRemotely(cli, client, id);
}

/** Says which run was started, for whoever does not wait for it. */
export function tellStarted({ terminal, output }: Cli, run: string): number {
  if (output === "json") terminal.data(JSON.stringify({ run }));
  else terminal.data(run);
  return EXIT.ok;
}

function bodyOf(options: RunOptions): Omit<StartRunBody, "task"> {
  const { name, label, context, cache, suspend, strict, priority, recover } = options;
  return {
    labels: { ...(name !== undefined && { name }), ...parsePairs(label, "--label") },
    context: parsePairs(context, "--context"),
    ...(cache !== undefined && { cache }),
    ...(suspend !== undefined && { suspend }),
    ...(strict !== undefined && { strict }),
    ...(priority !== undefined && { priority }),
    ...(recover !== undefined && { origin: { run: recover, kind: "recover" } }),
  };
}
