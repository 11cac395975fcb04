import { GodwitError } from "../../core/errors.ts";
import { decodeValue } from "../../core/value.ts";
import type { InputShape } from "./input-schema.ts";
import { parseJson, readReference } from "./read-value.ts";
import { parseTypedFlags } from "./typed-flags.ts";

export interface GivenInput {
  /** `--input`. */
  readonly whole: string | undefined;
  /** Flags of the task. */
  readonly flags: readonly string[];
}

/**
 * The input as the command line gives it: `--input`, flags, or flags over `--input`; undefined when there is neither.
 *
 * @throws GodwitError FLAG_UNKNOWN, FLAG_INVALID, FILE_NOT_FOUND
 */
export function readInputJson(given: GivenInput, shape: InputShape, task: string): unknown {
  const fields = parseTypedFlags(given.flags, shape, task);
  if (given.whole === undefined) return fields ?? emptyInput(shape);
  const whole = parseJson(readReference(given.whole, "--input"), "--input");
  if (fields === undefined) return whole;
  if (typeof whole === "object" && whole !== null && !Array.isArray(whole)) return { ...whole, ...fields };
  throw new GodwitError(
    "FLAG_INVALID",
    "flags of the task cannot be added to an `--input` that is not an object",
  );
}

/** A task whose fields all have defaults is called without flags. */
function emptyInput(shape: InputShape): unknown {
  return shape.kind === "object" ? {} : undefined;
}

/** JSON as a person writes it, with the tags of the value codec, as the value it stands for. */
export function valueOfJson(json: unknown): unknown {
  return json === undefined ? undefined : decodeValue(JSON.stringify(json));
}
