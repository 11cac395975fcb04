import { errorFor, GodwitError } from "../core/errors.ts";
import { quote } from "./schema.ts";
import { didYouMean } from "./suggestion.ts";

/** The error of an option with a wrong value: names the option, what it takes, and what was given. */
export function optionError(given: unknown, where: string, takes: string): GodwitError {
  return new GodwitError("OPTION_INVALID", `${where} takes ${takes}, not ${quote(given)}`);
}

/** What `parse` gives; its error is told with the place of the option. */
export function located<Value>(where: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    throw errorFor(error.code, `${where}: ${error.message}`, {
      hint: error.hint,
      details: error.details,
      cause: error,
    });
  }
}

/** @throws GodwitError OPTION_INVALID when `given` has a key that is not `known` */
export function checkKeys(given: object, where: string, known: readonly string[]): void {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    throw new GodwitError("OPTION_INVALID", `${where} has no option \`${key}\`.${didYouMean(key, known)}`, {
      hint: `Options: ${known.join(", ")}.`,
    });
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function checkBoolean(given: unknown, where: string): boolean {
  if (typeof given === "boolean") return given;
  throw optionError(given, where, "true or false");
}

export function checkNumber(given: unknown, where: string, least: number): number {
  if (typeof given === "number" && Number.isFinite(given) && given >= least) return given;
  throw optionError(given, where, `a number of at least ${least}`);
}

export function checkInteger(given: unknown, where: string, least: number): number {
  if (typeof given === "number" && Number.isSafeInteger(given) && given >= least) return given;
  throw optionError(given, where, least < 0 ? "an integer" : `an integer of at least ${least}`);
}

export function checkText(given: unknown, where: string): string {
  if (typeof given === "string" && given !== "") return given;
  throw optionError(given, where, "a text that is not empty");
}

export function checkTexts(given: unknown, where: string): readonly string[] {
  if (Array.isArray(given)) return given.map((item, index) => checkText(item, `${where}[${index}]`));
  throw optionError(given, where, "an array of texts");
}

export function checkTextMap(given: unknown, where: string): Readonly<Record<string, string>> {
  if (!isRecord(given)) throw optionError(given, where, "an object of texts");
  for (const [key, value] of Object.entries(given)) {
    if (typeof value !== "string") throw optionError(value, `${where}.${key}`, "a text");
  }
  return { ...(given as Record<string, string>) };
}

export function checkOneOf<const Choice extends string>(
  given: unknown,
  where: string,
  choices: readonly Choice[],
): Choice {
  const found = choices.find((choice) => choice === given);
  if (found !== undefined) return found;
  const listed = choices.map((choice) => `"${choice}"`).join(" or ");
  const suggestion = typeof given === "string" ? didYouMean(given, choices) : "";
  throw new GodwitError("OPTION_INVALID", `${where} takes ${listed}, not ${quote(given)}.${suggestion}`);
}
