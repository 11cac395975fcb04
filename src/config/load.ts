import { statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { checkGiven } from "./check.ts";
import { findProjectFile, isFile, PROJECT_FOLDER, type Surroundings, userFileOf } from "./find-file.ts";
import type { ConfigFile, Layer, Source } from "./layer.ts";
import { layerOf, profileNames, type Resolved, type ResolvedSettings, resolveConfig } from "./resolve.ts";
import { LOCAL_ENDPOINT, SETTINGS, type SettingName } from "./settings.ts";
import { readText, readToken, tokenWarnings } from "./token.ts";

/** Every setting of a command or a script, from wherever it is given. */
export interface Configuration {
  readonly settings: ResolvedSettings;
  /** Files that were read. */
  readonly files: readonly string[];
  /** Names of all profiles in them. */
  readonly profiles: readonly string[];
  /** What is not wrong, but better changed; each is a sentence. */
  readonly warnings: readonly string[];
  /** A token that is not used, because it is for another endpoint. */
  readonly withheldToken: Source | null;
}

export type FlagTexts = { readonly [Name in SettingName]?: string | undefined };

/** What this process knows of its machine. */
export function surroundings(): Surroundings {
  return { cwd: process.cwd(), home: homedir(), platform: process.platform, env: process.env };
}

/**
 * Reads the configuration: flags win over variables, variables over `.godwit/config.yaml` of the project, that over
 * the file of the user.
 *
 * @throws GodwitError CONFIG_INVALID, PROFILE_NOT_FOUND, PROJECT_INVALID, DOMAIN_INVALID, FLAG_INVALID
 */
export async function loadConfig(
  flags: FlagTexts = {},
  around: Surroundings = surroundings(),
): Promise<Configuration> {
  const places = findFiles(around);
  const files = await readFiles(places, around);
  const { settings, withheldToken } = resolveConfig({
    flags: layerOf(flags, (name) => ({ kind: "flag", flag: flagOf(name, flags) })),
    variables: variablesOf(around),
    files,
    defaults: defaultsOf(places, around),
  });
  for (const name of Object.keys(settings) as SettingName[]) check(name, settings[name]);
  const owners = places.list.map(({ owner }) => owner);
  return {
    settings: { ...settings, ...fetched(settings, around) },
    files: files.map(({ path }) => path),
    profiles: profileNames(files),
    warnings: [...places.warnings, ...files.flatMap((file, at) => tokenWarnings(file, owners[at] ?? "user"))],
    withheldToken,
  };
}

/** The configuration without variables and files, for whoever has to go on when those are not in order. */
export function flagsOnly(flags: FlagTexts, around: Surroundings = surroundings()): Configuration {
  const { settings } = resolveConfig({
    flags: layerOf({ ...flags, profile: undefined }, (name) => ({ kind: "flag", flag: flagOf(name, flags) })),
    variables: {},
    files: [],
    defaults: defaultsOf({ list: [], warnings: [] }, around),
  });
  return {
    settings: { ...settings, ...fetched(settings, around) },
    files: [],
    profiles: [],
    warnings: [],
    withheldToken: null,
  };
}

/** The value of a setting; of the endpoint, undefined stands for this machine. */
export function settingOf({ settings }: Configuration, name: SettingName): string | undefined {
  const { value } = settings[name];
  return name === "endpoint" && value === LOCAL_ENDPOINT ? undefined : value;
}

function flagOf(name: SettingName, flags: FlagTexts): string {
  if (name === "endpoint" && flags.endpoint === LOCAL_ENDPOINT) return "--local";
  return SETTINGS.find((setting) => setting.name === name)?.flag ?? name;
}

/** A variable that is empty was not given: shells and CI systems cannot always leave one out. */
function variablesOf({ env }: Surroundings): Layer {
  const variables = new Map(SETTINGS.map(({ name, variable }) => [name, variable]));
  const texts = SETTINGS.map(({ name, variable }) => [name, env[variable] || undefined]);
  return layerOf(Object.fromEntries(texts), (name) => ({
    kind: "variable",
    variable: variables.get(name) ?? name,
  }));
}

/** The data lies beside the file of the project, so that every folder of the project means the same data. */
function defaultsOf({ list }: FoundFiles, { cwd }: Surroundings): Layer {
  const project = list.find(({ owner }) => owner === "project");
  const dataDir = project === undefined ? join(cwd, PROJECT_FOLDER) : dirname(project.path);
  return layerOf({ endpoint: LOCAL_ENDPOINT, dataDir, output: "table" }, () => ({ kind: "default" }));
}

function check(name: SettingName, { value, source }: Resolved): void {
  if (value !== undefined && (source.kind === "flag" || source.kind === "variable"))
    checkGiven(name, { value, source });
}

/** What the resolved values only point at. */
function fetched(settings: ResolvedSettings, { cwd, env }: Surroundings): Partial<ResolvedSettings> {
  const { dataDir, endpoint, token } = settings;
  // A command on this machine has no use for a token, and must not fail for want of one.
  const isUsed = endpoint.value !== LOCAL_ENDPOINT || token.via === undefined;
  return {
    dataDir: { ...dataDir, value: resolve(cwd, dataDir.value ?? PROJECT_FOLDER) },
    token: { value: isUsed ? readToken(token, env) : undefined, source: token.source },
  };
}

interface FoundFiles {
  readonly list: readonly {
    readonly path: string;
    readonly owner: "project" | "user";
    readonly base: string;
  }[];
  readonly warnings: readonly string[];
}

function findFiles(around: Surroundings): FoundFiles {
  const user = userFileOf(around);
  const project = findProjectFile(around);
  const isOurs = project !== undefined && project !== user && !isForeign(project);
  return {
    list: [
      ...(isOurs ? [{ path: project, owner: "project", base: dirname(dirname(project)) } as const] : []),
      ...(isFile(user) ? [{ path: user, owner: "user", base: dirname(user) } as const] : []),
    ],
    warnings:
      project === undefined || isOurs || project === user
        ? []
        : [`${project} belongs to another user of this machine and is ignored`],
  };
}

async function readFiles({ list }: FoundFiles, { home }: Surroundings): Promise<ConfigFile[]> {
  if (list.length === 0) return [];
  // The parsers are loaded only where there is something to read.
  const { readConfigFile } = await import("./read-file.ts");
  return list.map(({ path, base }) => readConfigFile(readText(path, path), { path, base, home }));
}

/** Root trusts every file: those of a container often belong to somebody outside of it. */
function isForeign(path: string): boolean {
  const me = process.getuid?.() ?? 0;
  const { uid } = statSync(path);
  return me !== 0 && uid !== me && uid !== 0;
}
