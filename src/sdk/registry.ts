import { GodwitError } from "../core/errors.ts";
import type { EnvironmentDefinition, TaskDefinition } from "./definition.ts";
import { didYouMean } from "./suggestion.ts";

/**
 * Every environment and task that was defined with this copy of the SDK. A bundle carries its own copy, so its
 * registry holds the tasks of that bundle and no others.
 *
 * @example
 * registry.get("hello.predict").options
 */
export interface Registry {
  /** @throws GodwitError TASK_NOT_FOUND */
  get(name: string): TaskDefinition;
  /** All tasks, in the order of their definition. */
  list(): readonly TaskDefinition[];
  /** All environments, in the order of their definition. */
  environments(): readonly EnvironmentDefinition[];
  /**
   * Names defined more than once. The last definition counts, which is what a notebook or a watcher wants; a
   * deployment has to refuse them.
   */
  conflicts(): readonly string[];
  /** Forgets everything; for tests. */
  clear(): void;
}

const tasks = new Map<string, TaskDefinition>();
const environments = new Map<string, EnvironmentDefinition>();
const conflicts = new Set<string>();

export const registry: Registry = {
  get(name) {
    const found = tasks.get(name);
    if (found !== undefined) return found;
    const names = [...tasks.keys()];
    throw new GodwitError("TASK_NOT_FOUND", `no task \`${name}\` is defined.${didYouMean(name, names)}`, {
      hint:
        names.length === 0
          ? "Export the task from the file you run."
          : `Defined: ${names.slice(0, 10).join(", ")}.`,
    });
  },
  list: () => [...tasks.values()],
  environments: () => [...environments.values()],
  conflicts: () => [...conflicts],
  clear() {
    tasks.clear();
    environments.clear();
    conflicts.clear();
  },
};

/** Adds an environment; called by its constructor. */
export function registerEnvironment(definition: EnvironmentDefinition): void {
  if (environments.has(definition.name)) conflicts.add(definition.name);
  environments.set(definition.name, definition);
}

/** Adds a task; called by `env.task`. */
export function registerTask(definition: TaskDefinition): void {
  if (tasks.has(definition.name)) conflicts.add(definition.name);
  tasks.set(definition.name, definition);
}
