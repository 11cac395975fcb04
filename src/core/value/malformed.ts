import { GodwitError, type GodwitErrorOptions } from "../errors.ts";

/** The error for text that the codec cannot have written. */
export function malformed(reason: string, options?: GodwitErrorOptions): GodwitError {
  return new GodwitError("VALUE_MALFORMED", `the value ${reason}`, options);
}
