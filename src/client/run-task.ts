import { GodwitError } from "../core/errors.ts";
import { address } from "./query.ts";
import type { PostOptions, WaitOptions } from "./requests.ts";

/** Settings of a run that `GodwitClient.runTask` starts. */
export interface RunTaskOptions extends PostOptions, WaitOptions {
  /** Default: the version that was deployed last. */
  readonly version?: string | undefined;
  /** Name shown in lists; need not be unique. */
  readonly name?: string | undefined;
  /** Labels to search by. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Higher runs first. Default: that of the task. */
  readonly priority?: number | undefined;
  readonly project?: string | undefined;
  readonly domain?: string | undefined;
}

/** Where a task is run, with its settings. @throws GodwitError INVALID_REQUEST for a label that no query can hold */
export function runTaskAddress(task: string, options: RunTaskOptions): string {
  const { wait, version, name, labels = {}, priority, project, domain } = options;
  const label = Object.entries(labels).map(labelText);
  return address("/v1/tasks/{}/run", [task], { wait, version, name, label, priority, project, domain });
}

function labelText([key, value]: [string, string]): string {
  if (!key.includes(":")) return `${key}:${value}`;
  throw new GodwitError("INVALID_REQUEST", `the label "${key}" has a colon in its key`, {
    hint: "Start the run with `startRun`, which takes any key.",
  });
}
