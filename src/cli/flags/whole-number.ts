import { GodwitError } from "../../core/errors.ts";

const MAX_PORT = 65_535;

/** A flag that takes a whole number; undefined when it was not given. @throws GodwitError FLAG_INVALID */
export function readWholeNumber(given: unknown, flag: string, least: number): number | undefined {
  if (given === undefined) return undefined;
  const value = Number(given);
  const most = flag === "--port" ? MAX_PORT : Number.MAX_SAFE_INTEGER;
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new GodwitError(
    "FLAG_INVALID",
    `${flag} takes a whole number from ${least} on, not "${String(given)}"`,
  );
}
