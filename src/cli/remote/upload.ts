import type { Bundle } from "../../bundle/build.ts";
import { describeDeployment } from "../../bundle/describe.ts";
import type { BundleUpload } from "../../client/api.ts";
import type { GodwitClient } from "../../client/client.ts";
import { Connection, readJson } from "../../client/connection.ts";
import { sendSigned } from "../../client/signed-request.ts";
import type { CallOptions } from "../../core/call.ts";
import type { DeployedTask } from "../../core/deployment.ts";
import type { Json } from "../../core/error-record.ts";
import { environmentOf } from "../../core/task-name.ts";
import type { Registry } from "../../sdk/registry.ts";
import type { TaskRow } from "../../store/deployments.ts";
import type { Cli } from "../cli.ts";
import type { NamedPlace } from "../place.ts";

/** What is uploaded, and where to. */
export interface Uploaded {
  readonly bundle: Bundle;
  readonly registry: Registry;
  readonly place: NamedPlace;
}

/** Gives a bundle to a coordinator and registers what it defines; twice is a no-op. Gives deployments by environment. */
export async function upload(
  cli: Cli,
  client: GodwitClient,
  { bundle, registry, place }: Uploaded,
): Promise<ReadonlyMap<string, string>> {
  const { deployment, tasks } = await describeDeployment(bundle, registry, { nowMs: Date.now() });
  await sendBundle(cli, client, bundle);
  const environments = registry.environments().flatMap(({ name, dependsOn, env, description }) => {
    const own = tasks.filter((task) => environmentOf(task.name) === name).map(taskBody);
    const all = { name, bundle: bundle.hash, dependsOn, env, description, tasks: own };
    return own.length === 0 ? [] : [all];
  });
  const { deployments } = await client.deploy({
    ...place,
    source: JSON.parse(deployment.source) as Json,
    environments,
  });
  return new Map(deployments.map(({ environment, id }) => [environment, id]));
}

/** Straight to the blob store of the coordinator, unless it is there already. */
async function sendBundle({ token }: Cli, { endpoint }: GodwitClient, { code, hash }: Bundle): Promise<void> {
  const bytes = new TextEncoder().encode(code);
  const connection = new Connection({ endpoint, token });
  const body = JSON.stringify({ sha256: hash, sizeBytes: bytes.byteLength });
  const headers = { "Content-Type": "application/json" };
  const { upload: signed } = await connection.send(
    { method: "POST", path: "/v1/bundles", body, headers, retries: RETRIES },
    readJson<BundleUpload>,
  );
  if (signed !== null) await sendSigned(signed, bytes);
}

const RETRIES = 3;

function taskBody(row: TaskRow): DeployedTask {
  return {
    name: row.name,
    description: row.description,
    inputSchema: jsonOf(row.input_schema),
    outputSchema: jsonOf(row.output_schema),
    options: JSON.parse(row.options) as CallOptions,
    codeHash: row.code_hash,
  };
}

function jsonOf(text: string | null): Json {
  return text === null ? null : (JSON.parse(text) as Json);
}
