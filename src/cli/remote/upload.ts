import type { Bundle } from "../../bundle/build.ts";
import { describeDeployment } from "../../bundle/describe.ts";
import type { DeployedTaskBody } from "../../client/api.ts";
import type { GodwitClient } from "../../client/client.ts";
import { Connection } from "../../client/connection.ts";
import type { CallOptions } from "../../core/call.ts";
import type { Json } from "../../core/error-record.ts";
import type { Registry } from "../../sdk/registry.ts";
import type { TaskRow } from "../../store/deployments.ts";
import type { Cli } from "../cli.ts";

/** Gives a bundle to a coordinator and registers what it defines; twice is a no-op. Gives the deployment's id. */
export async function upload(
  cli: Cli,
  client: GodwitClient,
  bundle: Bundle,
  registry: Registry,
): Promise<string> {
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
  await client.deploy(bundle.hash, {
    version: deployment.version,
    source: JSON.parse(deployment.source) as Json,
    tasks: tasks.map(taskBody),
  });
  return bundle.hash;
}

const RETRIES = 3;

function taskBody(row: TaskRow): DeployedTaskBody {
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
