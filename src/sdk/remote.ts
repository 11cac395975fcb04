import { checkText } from "./option-check.ts";
import {
  defineRemoteTask,
  type OutputOfTask,
  type RemoteSettings,
  type RemoteTaskOf,
} from "./remote-task.ts";
import { Run } from "./run.ts";
import { parseRunFilter, type RunFilter, type RunQuery, type RunSummary } from "./run-list.ts";
import { currentStarter } from "./starter.ts";
import type { AnyFunction, CheckTask } from "./task.ts";

/** A task of which nothing is known but its name. */
type UnknownTask = (input?: unknown) => unknown;

/** What is deployed and what runs elsewhere, by name. */
export interface Remote {
  /**
   * A deployed task by its full name. It is called like any other: in a running task as a durable action with the
   * callee's own code and settings, elsewhere as a run of its own; `map`, `group` and `run` take it too.
   *
   * @example
   * import type { predict } from "../models/predict.ts"; // types only: none of its code is needed
   * const predictions = remote.task<typeof predict>("models.predict", { version: "latest" });
   * const y = await predictions({ x: 1 });
   * @throws GodwitError TASK_NAME_INVALID, OPTION_INVALID, PROJECT_INVALID, DOMAIN_INVALID; a call that finds no such task: TASK_NOT_FOUND
   */
  task<Fn extends AnyFunction = UnknownTask>(
    name: string & CheckTask<Fn>,
    settings?: RemoteSettings,
  ): RemoteTaskOf<Fn>;
  /**
   * A run that was started before: to wait for it, read its result, follow or abort it.
   *
   * @example const nightly = await remote.run<typeof main>(id);
   * @throws GodwitError RUN_NOT_FOUND
   */
  run<Fn extends AnyFunction = UnknownTask>(
    id: string,
    settings?: { readonly dataDir?: string | undefined },
  ): Promise<Run<OutputOfTask<Fn>>>;
  /**
   * Runs, the newest first. They are fetched a page at a time, as they are asked for.
   *
   * @example for await (const { id, phase } of remote.runs({ task: main, phase: "failed", limit: 10 })) …
   * @throws GodwitError OPTION_INVALID
   */
  runs(filter?: RunFilter): AsyncIterable<RunSummary>;
}

export const remote: Remote = {
  task: (name: string, settings: RemoteSettings = {}) => defineRemoteTask(name, settings) as never,
  async run(id, { dataDir } = {}) {
    const starter = await currentStarter(dataDir);
    return new Run(await starter.attach(checkText(id, "remote.run: the id")));
  },
  runs(filter = {}) {
    return listRuns(parseRunFilter(filter, "remote.runs"), filter.dataDir);
  },
};

async function* listRuns(
  query: RunQuery,
  dataDir: string | undefined,
): AsyncGenerator<RunSummary, void, void> {
  yield* (await currentStarter(dataDir)).list(query);
}
