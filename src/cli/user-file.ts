import type { TaskDefinition } from "../sdk/definition.ts";
import type { Registry } from "../sdk/registry.ts";
import { jsonSchemaOf, parseWith } from "../sdk/schema.ts";
import { readInputJson, valueOfJson } from "./flags/input.ts";
import { type InputShape, inputShape } from "./flags/input-schema.ts";
import { chooseTask } from "./task-choice.ts";

/** The task of a file that a command line means. */
export function pickTask(registry: Registry, file: string, task: string | undefined): TaskDefinition {
  const names = registry.list().map(({ name }) => name);
  return registry.get(chooseTask(names, task, file));
}

export function shapeOf({ input }: TaskDefinition): InputShape {
  return inputShape(input === undefined ? null : jsonSchemaOf(input));
}

/**
 * The input that a command line gives a task, refused before anything starts; the task itself parses it again.
 *
 * @throws GodwitError FLAG_UNKNOWN, FLAG_INVALID or INPUT_INVALID
 */
export async function readTaskInput(
  definition: TaskDefinition,
  given: { readonly whole: string | undefined; readonly flags: readonly string[] },
): Promise<unknown> {
  const input = valueOfJson(readInputJson(given, shapeOf(definition), definition.name));
  if (definition.input !== undefined) {
    await parseWith(definition.input, input, { kind: "input", of: definition.name });
  }
  return input;
}
