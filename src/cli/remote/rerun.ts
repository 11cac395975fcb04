import { loadFile } from "../../bundle/load.ts";
import type { RerunBody } from "../../client/api.ts";
import { GodwitClient } from "../../client/client.ts";
import type { Json } from "../../core/error-record.ts";
import type { Cli } from "../cli.ts";
import { warnOfPlainRecursion } from "../deploy/recursion-warning.ts";
import { deployFor } from "../deploy/release.ts";
import { parseJson, readReference } from "../flags/read-value.ts";
import { checkRun } from "../place.ts";
import type { WantedRerun } from "../wanted.ts";
import { followRemotely } from "./follow.ts";
import { keepInput } from "./keep-input.ts";
import { tellStarted } from "./run.ts";

/** Runs an older run of a coordinator again. */
export async function rerunRemotely(cli: Cli, wanted: WantedRerun, isDetached: boolean): Promise<number> {
  const client = new GodwitClient({ endpoint: cli.endpoint ?? "", token: cli.token });
  await checkRun(cli, client, wanted.run);
  const fork =
    wanted.file === undefined ? undefined : await deployFile(cli, client, { ...wanted, file: wanted.file });
  const { id } = await client.rerun(wanted.run, await bodyOf(cli, client, { ...wanted, fork }));
  return isDetached ? tellStarted(cli, id) : followRemotely(cli, client, id);
}

/** Deploys the environment that has the task of the older run, with the code of the file. */
async function deployFile(
  cli: Cli,
  client: GodwitClient,
  { file, run, external = [] }: WantedRerun & { readonly file: string },
): Promise<string> {
  const loaded = await loadFile(file, { external });
  const { task, project, domain } = await client.getRun(run);
  const { environment } = loaded.registry.get(task);
  await warnOfPlainRecursion(cli.terminal, loaded, [environment.name]);
  return deployFor(client, loaded, { environment: environment.name, external, project, domain });
}

async function bodyOf(
  cli: Cli,
  client: GodwitClient,
  { run, kind, input, force, isChangedOnly, fork }: WantedRerun & { readonly fork: string | undefined },
): Promise<RerunBody> {
  return {
    ...(kind === "recover" && { recover: true }),
    ...(fork !== undefined && { fork }),
    ...(force !== undefined && { force }),
    ...(isChangedOnly === true && { changedOnly: true }),
    ...(input !== undefined && { input: await givenInput(cli, client, { run, input }) }),
  };
}

/** It is kept where the older run is: there the new one will be. */
async function givenInput(
  cli: Cli,
  client: GodwitClient,
  { run, input }: { readonly run: string; readonly input: string },
): Promise<Json> {
  const text = JSON.stringify(parseJson(readReference(input, "--input"), "--input"));
  const { project } = await client.getRun(run);
  return keepInput({ ...cli, project }, text);
}
