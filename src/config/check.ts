import type { ErrorCode } from "../core/error-table.ts";
import { GodwitError } from "../core/errors.ts";
import { checkDomain, checkProject, PLACE_NAME, PLACE_RULE } from "../core/place.ts";
import { didYouMean } from "../sdk/suggestion.ts";
import { describeSource, type Given } from "./layer.ts";
import { LOCAL_ENDPOINT, OUTPUT_FORMATS, type SettingName } from "./settings.ts";

/** What is wrong with a value, as the end of a sentence; undefined when nothing is. */
export function faultOf(name: SettingName, value: string): string | undefined {
  switch (name) {
    case "endpoint":
      return endpointFault(value);
    case "project":
    case "domain":
      return PLACE_NAME.test(value) ? undefined : PLACE_RULE;
    case "output":
      if (OUTPUT_FORMATS.some((format) => format === value)) return undefined;
      return `must be one of ${OUTPUT_FORMATS.join(", ")}.${didYouMean(value, OUTPUT_FORMATS)}`;
    default:
      return value === "" ? "must not be empty" : undefined;
  }
}

function endpointFault(value: string): string | undefined {
  if (value === LOCAL_ENDPOINT) return undefined;
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return "must be an address such as `https://godwit.example.com`, or `local` for this machine";
  }
  if (url.username !== "" || url.password !== "") return "must not hold a name or a password";
  return url.search === "" && url.hash === "" ? undefined : "must not have a query or a fragment";
}

/**
 * Refuses a value of a flag or a variable that cannot be meant; those of files were checked where they were read.
 *
 * @throws GodwitError PROJECT_INVALID, DOMAIN_INVALID, FLAG_INVALID, CONFIG_INVALID
 */
export function checkGiven(name: SettingName, { value, source }: Given): void {
  const from = describeSource(source);
  if (name === "project") checkProject(value, from);
  if (name === "domain") checkDomain(value, from);
  const fault = faultOf(name, value);
  if (fault === undefined) return;
  const code: ErrorCode = source.kind === "flag" ? "FLAG_INVALID" : "CONFIG_INVALID";
  throw new GodwitError(code, `${from} is ${quoteUrl(value)}, and ${fault}`);
}

/** Quotes a value without the password it may hold. */
export function quoteUrl(value: string): string {
  const shown = value.replace(/\/\/[^@/\s]*@/, "//…@");
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 80)}…` : shown);
}
