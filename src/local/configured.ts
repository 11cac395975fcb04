import { type Configuration, loadConfig, settingOf } from "../config/load.ts";
import { SETTINGS } from "../config/settings.ts";
import type { BlobAccess } from "../sdk/blobs.ts";
import type { RunStarter } from "../sdk/starter.ts";

export interface ConfiguredStarterOptions {
  /** Data folder of the engine of this machine, which is used whatever endpoint is configured. */
  readonly dataDir?: string | undefined;
}

/**
 * Starts runs where the configuration says: on its endpoint, else in this process.
 *
 * @throws GodwitError CONFIG_INVALID, PROFILE_NOT_FOUND, PROJECT_INVALID, DOMAIN_INVALID
 */
export async function configuredStarter({ dataDir }: ConfiguredStarterOptions = {}): Promise<RunStarter> {
  const place = placeOf(await configuration());
  if (place.endpoint === undefined || dataDir !== undefined) {
    const { localStarter } = await import("./in-process.ts");
    return localStarter({ ...place, dataDir: dataDir ?? place.dataDir });
  }
  const { endpointStarter } = await import("./endpoint.ts");
  return endpointStarter({ ...place, endpoint: place.endpoint });
}

/** The files of a script, where the configuration says: on its endpoint, else in the data folder. */
export async function configuredBlobs(): Promise<BlobAccess> {
  const place = placeOf(await configuration());
  if (place.endpoint === undefined) return (await import("./in-process.ts")).localBlobs(place);
  const { endpointBlobs } = await import("./endpoint.ts");
  return endpointBlobs({ ...place, endpoint: place.endpoint });
}

interface ConfiguredPlace {
  readonly endpoint: string | undefined;
  readonly token: string | undefined;
  readonly project: string | undefined;
  readonly domain: string | undefined;
  readonly dataDir: string | undefined;
}

function placeOf(config: Configuration): ConfiguredPlace {
  return {
    endpoint: settingOf(config, "endpoint"),
    token: settingOf(config, "token"),
    project: settingOf(config, "project"),
    domain: settingOf(config, "domain"),
    dataDir: settingOf(config, "dataDir"),
  };
}

const known = new Map<string, Promise<Configuration>>();

/** Files are read once, unless the folder or a variable is another by now. */
function configuration(): Promise<Configuration> {
  const key = JSON.stringify([process.cwd(), ...SETTINGS.map(({ variable }) => process.env[variable])]);
  const found = known.get(key) ?? warned(loadConfig());
  known.set(key, found);
  // What is wrong may be put right while the script goes on.
  found.catch(() => known.delete(key));
  return found;
}

async function warned(loading: Promise<Configuration>): Promise<Configuration> {
  const config = await loading;
  for (const warning of config.warnings) process.emitWarning(warning, { type: "GodwitWarning" });
  return config;
}
