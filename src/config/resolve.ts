import { GodwitError } from "../core/errors.ts";
import { didYouMean } from "../sdk/suggestion.ts";
import { type ConfigFile, describeSource, type Given, type Layer, type Source } from "./layer.ts";
import { LOCAL_ENDPOINT, SETTINGS, type SettingName } from "./settings.ts";

/** What a setting is in the end; without a value, nobody has given it. */
export interface Resolved {
  readonly value: string | undefined;
  readonly source: Source;
  readonly via?: "file" | "variable";
}

/** Every setting, and where it comes from. */
export type ResolvedSettings = Readonly<Record<SettingName, Resolved>>;

export interface ConfigLayers {
  readonly flags: Layer;
  readonly variables: Layer;
  /** The file of the project, then that of the user. */
  readonly files: readonly ConfigFile[];
  readonly defaults: Layer;
}

export interface ResolvedConfig {
  readonly settings: ResolvedSettings;
  /** A token that is not used, because it stands beside another endpoint than the one that is. */
  readonly withheldToken: Source | null;
}

const UNSET: Resolved = { value: undefined, source: { kind: "default" } };

/**
 * The nearest layer that has a setting decides: flags, variables, the chosen profile (of the project, then of the
 * user), what files say outside of profiles (in the same order), defaults.
 *
 * A token that stands in a file beside an endpoint is for that endpoint alone: a nearer layer, such as the file of a
 * project that was just cloned, may name another endpoint, which must not get it.
 *
 * @throws GodwitError PROFILE_NOT_FOUND
 */
export function resolveConfig(layers: ConfigLayers): ResolvedConfig {
  const profile = chooseProfile(layers);
  const ordered = orderLayers(layers, profile.value);
  const endpoint = nearest(ordered, "endpoint");
  const isForAnother = (layer: Layer): boolean =>
    layer.token?.source.kind === "file" &&
    layer.endpoint !== undefined &&
    !isSameEndpoint(layer.endpoint.value, endpoint.value);
  const withToken = ordered.filter((layer) => layer.token !== undefined);
  const usable = withToken.filter((layer) => !isForAnother(layer));
  const entries = SETTINGS.map(({ name }): [SettingName, Resolved] => {
    if (name === "profile") return [name, profile];
    return [name, nearest(name === "token" ? usable : ordered, name)];
  });
  const withheld = usable.length === 0 ? withToken[0]?.token : undefined;
  return {
    settings: Object.fromEntries(entries) as ResolvedSettings,
    withheldToken: withheld?.source ?? null,
  };
}

/** All layers, the nearest first. */
function orderLayers(layers: ConfigLayers, profile: string | undefined): readonly Layer[] {
  const { flags, variables, files, defaults } = layers;
  const ofProfile = profile === undefined ? [] : files.map(({ profiles }) => profiles.get(profile) ?? {});
  return [flags, variables, ...ofProfile, ...files.map(({ top }) => top), defaults];
}

function nearest(layers: readonly Layer[], name: SettingName): Resolved {
  return layers.find((layer) => layer[name] !== undefined)?.[name] ?? UNSET;
}

function chooseProfile({ flags, variables, files }: ConfigLayers): Resolved {
  const chosen = nearest([flags, variables, ...files.map(({ top }) => top)], "profile");
  const { value } = chosen;
  if (value === undefined || files.some(({ profiles }) => profiles.has(value))) return chosen;
  const known = profileNames(files);
  const hint =
    known.length === 0
      ? "No configuration file has profiles; `godwit create config` writes one to start from."
      : `Profiles: ${known.join(", ")}.`;
  const message = `there is no profile "${value}" (${describeSource(chosen.source)}).${didYouMean(value, known)}`;
  throw new GodwitError("PROFILE_NOT_FOUND", message, { hint });
}

/** The profiles of all files. */
export function profileNames(files: readonly ConfigFile[]): string[] {
  return [...new Set(files.flatMap(({ profiles }) => [...profiles.keys()]))].sort();
}

function isSameEndpoint(one: string, other: string | undefined): boolean {
  if (one === other) return true;
  if (other === undefined || one === LOCAL_ENDPOINT || other === LOCAL_ENDPOINT) return false;
  const trimmed = (text: string): string => (URL.parse(text)?.href ?? text).replace(/\/+$/, "");
  return trimmed(one) === trimmed(other);
}

/** Layer of the given texts; what is undefined was not given. */
export function layerOf(
  texts: { readonly [Name in SettingName]?: string | undefined },
  sourceOf: (name: SettingName) => Source,
): Layer {
  const entries = (Object.entries(texts) as [SettingName, string | undefined][]).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, { value, source: sourceOf(name) } satisfies Given] as const],
  );
  return Object.fromEntries(entries) as Layer;
}
