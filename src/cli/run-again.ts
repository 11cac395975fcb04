import type { Cli } from "./cli.ts";
import type { WantedRerun } from "./wanted.ts";

/** Runs an older run again where it was: on the coordinator, or in this process. */
export async function runAgain(
  cli: Cli,
  wanted: WantedRerun,
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  if (cli.endpoint === undefined) return (await import("./local/rerun.ts")).rerunLocally(cli, wanted);
  return (await import("./remote/rerun.ts")).rerunRemotely(cli, wanted, options["detach"] === true);
}
