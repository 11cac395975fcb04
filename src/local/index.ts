/**
 * Where a script starts its runs and keeps its files: on the coordinator that is configured, else on the whole system
 * in its own process.
 *
 * @module
 */
import type { RunStarter } from "../sdk/starter.ts";
import type { LocalStarterOptions } from "./in-process.ts";

export { configuredBlobs, configuredStarter } from "./configured.ts";

/**
 * Starts runs in this process, whatever is configured, with the tasks that were defined in it. One engine per data
 * folder; the process ends when its own code and all runs it started are done.
 *
 * @example configureRuns(await localStarter({ dataDir: "data" }));
 */
export async function localStarter(options: LocalStarterOptions = {}): Promise<RunStarter> {
  return (await import("./in-process.ts")).localStarter(options);
}
