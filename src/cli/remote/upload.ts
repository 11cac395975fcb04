import type { Bundle } from "../../bundle/build.ts";
import { describeDeployment } from "../../bundle/describe.ts";
import type { GodwitClient } from "../../client/client.ts";
import { Connection } from "../../client/connection.ts";
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
  const connection = new Connection({ endpoint: client.endpoint, token: cli.token });
  await connection.send(
    {
      method: "PUT",
      path: `/v1/bundles/${bundle.hash}`,
      body: new TextEncoder().encode(bundle.code),
      headers: { "Content-Type": "application/octet-stream" },
      retries: RETRIES,
    },
    () => Promise.resolve(),
  );
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
