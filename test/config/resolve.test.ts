import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ConfigFile, Given, Layer, Source } from "../../src/config/layer.ts";
import { describeSource } from "../../src/config/layer.ts";
import { type ConfigLayers, resolveConfig } from "../../src/config/resolve.ts";
import { maskValue, SETTINGS, type SettingName } from "../../src/config/settings.ts";

const NAMES: readonly SettingName[] = ["endpoint", "project", "domain", "dataDir", "output", "token"];

function layer(source: (name: SettingName) => Source): fc.Arbitrary<Layer> {
  const given = (name: SettingName): fc.Arbitrary<Given> =>
    fc.constantFrom("a", "b", "c").map((value) => ({
      value: name === "endpoint" ? `https://${value}.example.com` : value,
      source: source(name),
    }));
  const settings = Object.fromEntries(NAMES.map((name) => [name, given(name)])) as Record<
    SettingName,
    fc.Arbitrary<Given>
  >;
  return fc.record(settings, { requiredKeys: [] }) as fc.Arbitrary<Layer>;
}

const inFile = (file: string, profile: string | null): fc.Arbitrary<Layer> =>
  layer(() => ({ kind: "file", file, line: 1, profile }));

function file(path: string): fc.Arbitrary<ConfigFile> {
  return fc
    .record({ top: inFile(path, null), prod: fc.option(inFile(path, "prod"), { nil: undefined }) })
    .map(({ top, prod }) => ({
      path,
      top,
      profiles: new Map(prod === undefined ? [] : [["prod", prod]]),
    }));
}

const layersOf: fc.Arbitrary<ConfigLayers> = fc
  .record({
    flags: layer((flag) => ({ kind: "flag", flag })),
    variables: layer((variable) => ({ kind: "variable", variable })),
    files: fc.tuple(file("project.yaml"), file("user.yaml")),
    defaults: layer(() => ({ kind: "default" })),
    isChosen: fc.boolean(),
  })
  .map(({ isChosen, flags, ...rest }) => {
    const isThere = isChosen && rest.files.some(({ profiles }) => profiles.has("prod"));
    const profile: Given = { value: "prod", source: { kind: "flag", flag: "--profile" } };
    return { ...rest, flags: isThere ? { ...flags, profile } : flags };
  });

/** What is promised: the nearest first. */
function ordered({ flags, variables, files, defaults }: ConfigLayers): readonly Layer[] {
  const [project, user] = files;
  const chosen = flags.profile?.value ?? "";
  const profiles = [project?.profiles.get(chosen), user?.profiles.get(chosen)];
  const all = [flags, variables, ...profiles, project?.top, user?.top, defaults];
  return all.filter((one) => one !== undefined);
}

const isFileLayer = (one: Layer): boolean => one.token?.source.kind === "file";

describe("the resolution of settings", () => {
  test("takes the nearest layer that has a setting, and names that layer", () => {
    fc.assert(
      fc.property(layersOf, (layers) => {
        const { settings } = resolveConfig(layers);
        const nearest = ordered(layers);
        for (const name of NAMES.filter((one) => one !== "token")) {
          const first = nearest.find((one) => one[name] !== undefined)?.[name];
          expect(settings[name].value).toBe(first?.value);
          expect(settings[name].source).toEqual(first?.source ?? { kind: "default" });
        }
      }),
    );
  });

  test("gives a token of a file to no other endpoint than the one beside it", () => {
    fc.assert(
      fc.property(layersOf, (layers) => {
        const { settings, withheldToken } = resolveConfig(layers);
        const nearest = ordered(layers);
        const usable = nearest.filter(
          (one) =>
            one.token !== undefined &&
            !(
              isFileLayer(one) &&
              one.endpoint !== undefined &&
              one.endpoint.value !== settings.endpoint.value
            ),
        );
        expect(settings.token.value).toBe(usable[0]?.token?.value);
        const hasAny = nearest.some((one) => one.token !== undefined);
        expect(withheldToken !== null).toBe(hasAny && usable.length === 0);
      }),
    );
  });

  test("lets what stands beside a flag or a variable alone: it was given for this command", () => {
    const flag = (value: string): Given => ({ value, source: { kind: "flag", flag: "--endpoint" } });
    const variable = (value: string): Given => ({ value, source: { kind: "variable", variable: "V" } });
    const { settings } = resolveConfig({
      flags: { endpoint: flag("https://b.example.com") },
      variables: { endpoint: variable("https://a.example.com"), token: variable("secret") },
      files: [],
      defaults: {},
    });
    expect(settings.token.value).toBe("secret");
  });

  test("completes a profile of the project with that of the user, and both win over what is outside of profiles", () => {
    const given = (value: string, profile: string | null): Given => ({
      value,
      source: { kind: "file", file: "f", line: 1, profile },
    });
    const project: ConfigFile = {
      path: "p",
      top: { endpoint: given("local", null), project: given("search", null) },
      profiles: new Map([["prod", { endpoint: given("https://prod.example.com", "prod") }]]),
    };
    const user: ConfigFile = {
      path: "u",
      top: { profile: given("prod", null), domain: given("development", null) },
      profiles: new Map([["prod", { token: given("key", "prod"), domain: given("production", "prod") }]]),
    };
    const { settings } = resolveConfig({ flags: {}, variables: {}, files: [project, user], defaults: {} });
    const values = NAMES.map((name) => settings[name].value);
    expect(values).toEqual(["https://prod.example.com", "search", "production", undefined, undefined, "key"]);
    expect(describeSource(settings.token.source)).toBe("f:1 (profile prod)");
  });

  test("refuses a profile that no file has, and lists those there are", () => {
    const profile: Given = { value: "prd", source: { kind: "variable", variable: "GODWIT_PROFILE" } };
    const files = [{ path: "p", top: {}, profiles: new Map([["prod", {}]]) }];
    const resolve = (): unknown => resolveConfig({ flags: {}, variables: { profile }, files, defaults: {} });
    expect(resolve).toThrow('no profile "prd" (GODWIT_PROFILE). Did you mean `prod`?');
    expect(resolve).toThrow(expect.objectContaining({ code: "PROFILE_NOT_FOUND", hint: "Profiles: prod." }));
  });
});

describe("a secret that is shown", () => {
  const shown = (name: SettingName, value: string): string => {
    const setting = SETTINGS.find((one) => one.name === name);
    if (setting === undefined) throw new Error(`no setting ${name}`);
    return maskValue(setting, value);
  };

  test("is only its ends, or nothing when these are most of it", () => {
    expect(shown("token", "gw_live_abcdefghijkl_wxyz")).toBe("gw…wxyz");
    expect(shown("token", "hunter2")).toBe("…");
    expect(shown("project", "search")).toBe("search");
  });

  test("is taken out of the URL of a database, wherever it is", () => {
    expect(shown("databaseUrl", "postgres://me:secret@db.example.com/g")).toBe(
      "postgres://me:***@db.example.com/g",
    );
    expect(shown("databaseUrl", "postgres://db/g?user=me&password=secret")).not.toContain("secret");
    expect(shown("databaseUrl", "not a url: secret")).toBe("…");
  });
});
