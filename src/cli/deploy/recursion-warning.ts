import { findPlainRecursion } from "../../bundle/calls/plain-recursion.ts";
import { withDependencies } from "../../bundle/environments.ts";
import type { LoadedFile } from "../../bundle/load.ts";
import { shownPlace } from "../../bundle/shown-place.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Warns of tasks that call themselves by the name of their function, which makes no actions: of all tasks of a file, or
 * of those that are deployed with some of its environments.
 */
export async function warnOfPlainRecursion(
  terminal: Terminal,
  { bundle, registry }: LoadedFile,
  environments?: readonly string[],
): Promise<void> {
  const names = environments === undefined ? undefined : withDependencies(registry, environments);
  const tasks = registry.list().filter((task) => names?.includes(task.environment.name) ?? true);
  for (const { task, place } of await findPlainRecursion(bundle, tasks)) {
    const at = place === null ? "" : `${shownPlace(bundle.root, place)}: `;
    const { name, shortName } = task;
    terminal.note(
      `${terminal.paint("yellow", "warning")}: ${at}\`${name}\` calls itself as a plain function, because that is what \`${shortName}\` means inside of it: the call makes no action`,
    );
    terminal.note(
      `  ${terminal.paint("cyan", "hint")}: write it as \`env.task({ name: "${shortName}" }, async (…) => …)\`; for plain recursion move the function out and call it.`,
    );
  }
}
