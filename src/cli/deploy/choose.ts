import { GodwitError } from "../../core/errors.ts";
import { didYouMean } from "../../sdk/suggestion.ts";

/**
 * The environments that a command line means: those it names, else all that have tasks.
 *
 * @throws GodwitError ENVIRONMENT_NOT_FOUND
 */
export function chooseEnvironments(
  known: readonly { readonly name: string; readonly taskCount: number }[],
  given: readonly string[],
  file: string,
): readonly string[] {
  const deployable = known
    .filter(({ taskCount }) => taskCount > 0)
    .map(({ name }) => name)
    .sort();
  if (deployable.length === 0) {
    throw new GodwitError(
      "ENVIRONMENT_NOT_FOUND",
      `${file} defines no tasks, so there is nothing to deploy`,
      {
        hint: "Define one with `env.task(async function main() {})`, or give the file that imports them.",
      },
    );
  }
  const wanted = given.length === 0 ? deployable : [...new Set(given)];
  const unknown = wanted.find((name) => !deployable.includes(name));
  if (unknown === undefined) return wanted;
  const isEmpty = known.some(({ name }) => name === unknown);
  const message = isEmpty
    ? `the environment \`${unknown}\` of ${file} has no tasks`
    : `${file} has no environment \`${unknown}\`.${didYouMean(unknown, deployable)}`;
  throw new GodwitError("ENVIRONMENT_NOT_FOUND", message, {
    hint: `Environments with tasks: ${deployable.join(", ")}.`,
  });
}
