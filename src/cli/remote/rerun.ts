import type { RerunBody } from "../../client/api.ts";
import { GodwitClient } from "../../client/client.ts";
import type { Json } from "../../core/error-record.ts";
import type { Cli } from "../cli.ts";
import { parseJson, readReference } from "../flags/read-value.ts";
import { loadUserFile } from "../user-file.ts";
import type { WantedRerun } from "../wanted.ts";
import { followRemotely } from "./follow.ts";
import { tellStarted } from "./run.ts";
import { upload } from "./upload.ts";

/** Runs an older run of a coordinator again. */
export async function rerunRemotely(cli: Cli, wanted: WantedRerun, isDetached: boolean): Promise<number> {
  const client = new GodwitClient({ endpoint: cli.endpoint ?? "", token: cli.token });
  const fork = wanted.file === undefined ? undefined : await uploadFile(cli, client, wanted.file);
  const { id } = await client.rerun(wanted.run, bodyOf(wanted, fork));
  return isDetached ? tellStarted(cli, id) : followRemotely(cli, client, id);
}

async function uploadFile(cli: Cli, client: GodwitClient, file: string): Promise<string> {
  const { bundle, registry } = await loadUserFile(file);
  return upload(cli, client, bundle, registry);
}

function bodyOf({ kind, input, force, isChangedOnly }: WantedRerun, fork: string | undefined): RerunBody {
  return {
    ...(kind === "recover" && { recover: true }),
    ...(fork !== undefined && { fork }),
    ...(force !== undefined && { force }),
    ...(isChangedOnly === true && { changedOnly: true }),
    ...(input !== undefined && { input: parseJson(readReference(input, "--input"), "--input") as Json }),
  };
}
