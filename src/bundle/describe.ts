import { hash } from "node:crypto";
import { DEFAULT_DOMAIN, DEFAULT_PROJECT } from "../core/place.ts";
import type { TaskDefinition } from "../sdk/definition.ts";
import type { Registry } from "../sdk/registry.ts";
import { jsonSchemaOf } from "../sdk/schema.ts";
import type { StandardSchema } from "../sdk/standard-schema.ts";
import { type DeploymentRow, type TaskRow, wholeDeployment } from "../store/deployments.ts";
import type { Bundle } from "./build.ts";
import { codeHashes } from "./code-hash.ts";
import { refuseDuplicates } from "./duplicates.ts";

/** What the store keeps of a bundle. */
export interface DescribedDeployment {
  readonly deployment: DeploymentRow;
  readonly tasks: readonly TaskRow[];
}

export interface DescribeOptions {
  readonly project?: string;
  readonly domain?: string;
  readonly nowMs: number;
}

/**
 * The deployment of a bundle as a whole. The same code in the same project and domain is the same deployment.
 *
 * @throws GodwitError TASK_DUPLICATE when two tasks or two environments have one name
 */
export async function describeDeployment(
  bundle: Bundle,
  registry: Registry,
  options: DescribeOptions,
): Promise<DescribedDeployment> {
  refuseDuplicates({ bundle, registry });
  const definitions = registry.list();
  const hashes = await codeHashes(bundle, definitions);
  const { project = DEFAULT_PROJECT, domain = DEFAULT_DOMAIN } = options;
  const id = hash("sha256", JSON.stringify(["whole", project, domain, bundle.hash]));
  return {
    deployment: wholeDeployment({
      ...options,
      id,
      bundle: bundle.hash,
      version: bundle.hash.slice(0, VERSION_CHARACTERS),
      source: { file: bundle.entries[0] ?? "" },
    }),
    tasks: definitions.map((definition) => taskRow(id, definition, hashes.get(definition.name) ?? null)),
  };
}

const VERSION_CHARACTERS = 12;

function taskRow(deployment: string, definition: TaskDefinition, codeHash: string | null): TaskRow {
  const { name, description, input, output, options } = definition;
  return {
    deployment,
    name,
    description,
    input_schema: schemaText(input, "input"),
    output_schema: schemaText(output, "output"),
    options: JSON.stringify(options),
    code_hash: codeHash,
  };
}

function schemaText(schema: StandardSchema | undefined, side: "input" | "output"): string | null {
  const found = schema === undefined ? null : jsonSchemaOf(schema, side);
  return found === null ? null : JSON.stringify(found);
}
