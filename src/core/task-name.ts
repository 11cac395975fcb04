/** The environment of a task's full name, `env.task`; names of environments have no dots. */
export function environmentOf(task: string): string {
  const dot = task.indexOf(".");
  return dot === -1 ? task : task.slice(0, dot);
}
