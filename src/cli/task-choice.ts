import { GodwitError } from "../core/errors.ts";
import { didYouMean } from "../sdk/suggestion.ts";

/**
 * The one task that is meant: its full name, or its short name when only one environment has it.
 *
 * @throws GodwitError TASK_NOT_FOUND, or FLAG_INVALID when none or several fit
 */
export function chooseTask(names: readonly string[], given: string | undefined, file: string): string {
  const known = names.length === 0 ? "It defines no tasks." : `Tasks: ${names.join(", ")}.`;
  if (given === undefined) {
    throw new GodwitError("FLAG_INVALID", `which task of ${file}?`, { hint: known });
  }
  if (names.includes(given)) return given;
  const found = names.filter((name) => name.slice(name.indexOf(".") + 1) === given);
  if (found.length === 1) return found[0] as string;
  if (found.length > 1) {
    throw new GodwitError("FLAG_INVALID", `${file} has several tasks called \`${given}\``, {
      hint: `Write one of ${found.join(", ")}.`,
    });
  }
  const short = names.map((name) => name.slice(name.indexOf(".") + 1));
  const hint = names.length === 0 ? "Define one with `env.task(async function main() {})`." : known;
  throw new GodwitError("TASK_NOT_FOUND", `${file} has no task \`${given}\`.${didYouMean(given, short)}`, {
    hint,
  });
}
