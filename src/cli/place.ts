import type { GodwitClient } from "../client/client.ts";
import { GodwitError } from "../core/errors.ts";
import type { Cli } from "./cli.ts";

/** Project and domain, as far as they are known. */
export interface NamedPlace {
  readonly project?: string;
  readonly domain?: string;
}

/** The place a command means, for a request; what was not named is left to whoever answers. */
export function placeOf({ project, domain }: Pick<Cli, "project" | "domain">): NamedPlace {
  return { ...(project !== undefined && { project }), ...(domain !== undefined && { domain }) };
}

interface PlacedRun {
  readonly id: string;
  readonly project: string;
  readonly domain: string;
}

/** Refuses a run of another place than the one that was named. @throws GodwitError RUN_NOT_FOUND */
export function checkRunPlace(cli: Pick<Cli, "project" | "domain">, run: PlacedRun): void {
  const asked = { project: cli.project ?? run.project, domain: cli.domain ?? run.domain };
  if (asked.project === run.project && asked.domain === run.domain) return;
  const message = `no run "${run.id}" in ${asked.project}/${asked.domain}: it is of ${run.project}/${run.domain}`;
  throw new GodwitError("RUN_NOT_FOUND", message, {
    hint: `Add \`--project ${run.project} --domain ${run.domain}\` if that is the one you mean.`,
  });
}

/** Looks whether a run is of the place that was named, where one was. @throws GodwitError RUN_NOT_FOUND */
export async function checkRun(cli: Cli, client: GodwitClient, run: string): Promise<void> {
  if (cli.project === undefined && cli.domain === undefined) return;
  checkRunPlace(cli, await client.getRun(run));
}
