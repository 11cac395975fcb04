import type { CallOptions } from "../core/call.ts";
import type { OptionLevel } from "../core/call-options.ts";
import { parseWith } from "./schema.ts";
import type { StandardSchema } from "./standard-schema.ts";

/** What a deployment and a runner know of a {@link TaskEnvironment}. */
export interface EnvironmentDefinition {
  readonly name: string;
  readonly description: string | null;
  /** Environment variables of its runners. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of the environments that are deployed together with it. */
  readonly dependsOn: readonly string[];
}

/** What calling a task or starting a run of it needs to know, whether its code is here or not. */
export interface CallTarget {
  /** Full name, `env.task`. */
  readonly name: string;
  /** Name inside the environment. */
  readonly shortName: string;
  readonly input?: StandardSchema | undefined;
  /** What every call sends: settings after environment, task and override were resolved. */
  readonly options: CallOptions;
  /** What `override` changed of the settings it was deployed with. Default: nothing. */
  readonly overrides?: OptionLevel | undefined;
}

/** What a runner needs to execute a task, and a deployment to describe it. Found by name in the registry. */
export interface TaskDefinition extends CallTarget {
  readonly description: string | null;
  readonly environment: EnvironmentDefinition;
  readonly fn: (input: never) => unknown;
  readonly output?: StandardSchema | undefined;
  /** Where it was defined: places on the stack, `url:line:column`, nearest first. */
  readonly definedAt?: readonly string[] | undefined;
}

/**
 * Executes a task here: parses the input, calls the function, parses the result.
 *
 * @throws GodwitError INPUT_INVALID or OUTPUT_INVALID when a schema refuses the value; whatever the function throws
 */
export async function invokeTask(definition: TaskDefinition, input: unknown): Promise<unknown> {
  const { name, fn } = definition;
  // Awaiting only where there is a schema keeps a plain call as immediate as the function itself.
  const parsed =
    definition.input === undefined
      ? input
      : await parseWith(definition.input, input, { kind: "input", of: name });
  const result = await fn(parsed as never);
  if (definition.output === undefined) return result;
  return parseWith(definition.output, result, { kind: "output", of: name });
}
