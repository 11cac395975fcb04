import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Bundle, buildBundle } from "../bundle/build.ts";
import { GodwitError } from "../core/errors.ts";
import { loadBundle } from "../runner/load-bundle.ts";
import type { TaskDefinition } from "../sdk/definition.ts";
import type { Registry } from "../sdk/registry.ts";
import { jsonSchemaOf, parseWith } from "../sdk/schema.ts";
import { configureRuns } from "../sdk/starter.ts";
import { readInputJson, valueOfJson } from "./flags/input.ts";
import { type InputShape, inputShape } from "./flags/input-schema.ts";
import { chooseTask } from "./task-choice.ts";

/** A user's file, bundled and loaded in this process. */
export interface UserFile {
  readonly bundle: Bundle;
  readonly registry: Registry;
}

/** Bundles a file and loads what it defines, without keeping anything. */
export async function loadUserFile(file: string, external: readonly string[] = []): Promise<UserFile> {
  const bundle = await buildBundle(file, { external });
  refuseRunsWhileLoading();
  const url = pathToFileURL(join(bundle.root, `${bundle.hash}.mjs`)).href;
  const { registry } = await loadBundle({ url, code: bundle.code, root: bundle.root });
  return { bundle, registry };
}

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

/** Code that starts runs when it is imported would do so in every process that loads it. */
export function refuseRunsWhileLoading(): void {
  configureRuns({
    start: async ({ task }) => {
      throw new GodwitError("OPTION_INVALID", `run(${task.shortName}) was called while the file was loaded`, {
        hint: "Put it behind `if (import.meta.main)`, so that it runs only when Node is given the file.",
      });
    },
  });
}
