import { formatBytes } from "../core/bytes.ts";
import type { CallOptions } from "../core/call.ts";
import { mergeOptions, type OptionLevel } from "../core/call-options.ts";
import type { Json } from "../core/error-record.ts";
import { GodwitError } from "../core/errors.ts";
import { fitsUtf8, utf8Length } from "../core/utf8.ts";
import { measureDepth } from "../core/value/depth.ts";
import { readStored, writeStored } from "../core/value/stored.ts";
import { encodeValue, MAX_VALUE_BYTES, MAX_VALUE_DEPTH } from "../core/value.ts";
import type { EngineCore } from "../engine/core.ts";
import { type StartRun, startRun } from "../engine/start.ts";
import type { DeployedTask } from "../store/list-tasks.ts";
import { checkAgainst } from "./schema-check.ts";

/**
 * The input of a run as it is stored, checked against the schema of its task before anything is written.
 *
 * @throws GodwitError INPUT_INVALID, VALUE_MALFORMED, INLINE_VALUE_TOO_LARGE
 */
export function encodeInput(
  input: Json | undefined,
  task: { name: string; input_schema: string | null },
): string {
  const text = encodeGiven(input);
  const stored = readStored(text);
  // Its content is in the blob store: the runner checks it. What a client says of it is not taken for a cache key.
  if (stored !== null) return writeStored({ sha256: stored.sha256, sizeBytes: stored.sizeBytes });
  checkAgainst(task.input_schema, input, { of: task.name, kind: "input" });
  return text;
}

/** Tagged JSON from outside as it is stored. @throws GodwitError VALUE_MALFORMED, INLINE_VALUE_TOO_LARGE */
export function encodeGiven(value: Json | undefined): string {
  if (value === undefined) return encodeValue(undefined);
  const text = write(value);
  if (!fitsUtf8(text, MAX_VALUE_BYTES)) {
    const sizes = `${formatBytes(utf8Length(text))}; the limit is ${formatBytes(MAX_VALUE_BYTES)}`;
    throw new GodwitError("INLINE_VALUE_TOO_LARGE", `the value takes ${sizes}`);
  }
  if (measureDepth(text, MAX_VALUE_DEPTH) > MAX_VALUE_DEPTH) throw tooDeep();
  return text;
}

// Tags are not looked at: only the user's own code knows the types that it registered.
function write(value: Json): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    // The writer recurses, and ran out of stack.
    throw tooDeep(error);
  }
}

function tooDeep(cause?: unknown): GodwitError {
  return new GodwitError("VALUE_MALFORMED", `the value is nested deeper than ${MAX_VALUE_DEPTH} levels`, {
    cause,
  });
}

/** What of a run's start follows from its task, and from what its caller changes of the task's options. */
export function startOf(
  task: DeployedTask,
  changes: OptionLevel = {},
): Pick<Required<StartRun>, "task" | "deployment" | "pool" | "project" | "domain" | "options"> {
  const { name, deployment, project, domain } = task;
  const options = mergeOptions([JSON.parse(task.options) as CallOptions, changes]);
  return { task: name, deployment, pool: deployment, project, domain, options };
}

/**
 * Starts a run, with the given id if there is one: sent again after it was cut off, a request finds the run that it
 * started.
 */
export async function startOnce(core: EngineCore, id: string | undefined, start: StartRun): Promise<string> {
  if (id === undefined) return startRun(core, start);
  return startRun(core, { ...start, id: `r${id}` });
}
