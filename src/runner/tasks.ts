import type { TaskDefinition } from "../sdk/definition.ts";

/** Where a runner finds the code of a task. */
export interface TaskSource {
  /**
   * The task of a bundle, which is loaded when it is not loaded yet.
   * @throws GodwitError TASK_NOT_FOUND, or what loading the bundle threw
   */
  find(bundle: string, task: string): Promise<TaskDefinition>;
}
