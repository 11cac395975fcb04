import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findProjectFile, type Surroundings, userFileOf } from "../../src/config/find-file.ts";
import { describeSource } from "../../src/config/layer.ts";
import { type Configuration, loadConfig, settingOf } from "../../src/config/load.ts";
import type { SettingName } from "../../src/config/settings.ts";

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "godwit-config-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(name: string, text = ""): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
}

function at(cwd: string, env: Record<string, string> = {}): Surroundings {
  mkdirSync(join(root, cwd), { recursive: true });
  return { cwd: join(root, cwd), home: join(root, "home"), platform: "linux", env };
}

function told(config: Configuration, name: SettingName): string {
  return `${settingOf(config, name)} from ${describeSource(config.settings[name].source)}`;
}

describe("the file of a project", () => {
  test("is the one of the nearest folder upwards that has one", () => {
    write("repo/.git/HEAD");
    const outer = write("repo/.godwit/config.yaml");
    const inner = write("repo/packages/a/.godwit/config.yaml");
    expect(findProjectFile(at("repo/packages/a/src"))).toBe(inner);
    expect(findProjectFile(at("repo/packages/b"))).toBe(outer);
  });

  test("is not looked for above the repository, nor in the home folder, nor above a folder elsewhere", () => {
    write(".godwit/config.yaml");
    write("repo/.git/HEAD");
    expect(findProjectFile(at("repo/src"))).toBeUndefined();
    write("home/.godwit/config.yaml");
    expect(findProjectFile(at("home/notes"))).toBeUndefined();
    const own = write("home/notes/.godwit/config.yaml");
    expect(findProjectFile(at("home/notes/today"))).toBe(own);
    expect(findProjectFile(at("elsewhere"))).toBeUndefined();
    expect(findProjectFile(at("."))).toBe(join(root, ".godwit/config.yaml"));
  });

  test("takes the data to its own folder, unless another is named", async () => {
    write("repo/.git/HEAD");
    write("repo/.godwit/config.yaml", "project: search\n");
    const config = await loadConfig({}, at("repo/src"));
    expect(told(config, "dataDir")).toBe(`${join(root, "repo/.godwit")} from default`);
    const named = await loadConfig({ dataDir: "x" }, at("repo/src"));
    expect(told(named, "dataDir")).toBe(`${join(root, "repo/src/x")} from --data-dir`);
    expect(told(await loadConfig({}, at("bare")), "dataDir")).toBe(
      `${join(root, "bare/.godwit")} from default`,
    );
  });
});

describe("the file of the user", () => {
  test("lies where the system keeps such files", () => {
    const base = { cwd: "/w", home: "/home/ana", platform: "linux", env: {} } as const;
    expect(userFileOf(base)).toBe("/home/ana/.config/godwit/config.yaml");
    expect(userFileOf({ ...base, env: { XDG_CONFIG_HOME: "/x" } })).toBe("/x/godwit/config.yaml");
    expect(userFileOf({ ...base, env: { APPDATA: "/y" } })).toBe("/home/ana/.config/godwit/config.yaml");
    expect(userFileOf({ ...base, platform: "win32", env: { APPDATA: "/y" } })).toBe("/y/godwit/config.yaml");
  });
});

describe("a configuration", () => {
  test("has flags before variables, these before files, and the project before the user", async () => {
    const project = write("repo/.godwit/config.yaml", "project: a\ndomain: staging\n");
    const user = write("home/.config/godwit/config.yaml", "project: b\ndomain: b\noutput: json\n");
    const env = { GODWIT_DOMAIN: "production", GODWIT_PROJECT: "" };
    const config = await loadConfig({ endpoint: "https://a.example.com" }, at("repo", env));
    expect(told(config, "endpoint")).toBe("https://a.example.com from --endpoint");
    expect(told(config, "domain")).toBe("production from GODWIT_DOMAIN");
    expect(told(config, "project")).toBe(`a from ${project}:1`);
    expect(told(config, "output")).toBe(`json from ${user}:3`);
    expect(config.files).toEqual([project, user]);
    expect(told(await loadConfig({ endpoint: "local" }, at("repo")), "endpoint")).toBe(
      "undefined from --local",
    );
  });

  test("reads a token from the file or the variable that is named", async () => {
    write("home/.config/godwit/key", "gw_live_abc\n");
    const profiles = `
profiles:
  file: { endpoint: https://a.example.com, tokenFile: key }
  variable: { endpoint: https://a.example.com, tokenEnv: KEY }
  lost: { endpoint: https://a.example.com, tokenFile: nowhere }
`;
    const user = write("home/.config/godwit/config.yaml", profiles);
    const token = async (profile: string, env: Record<string, string> = {}): Promise<string | undefined> =>
      settingOf(await loadConfig({ profile }, at("repo", env)), "token");
    expect(await token("file")).toBe("gw_live_abc");
    expect(await token("variable", { KEY: "gw_live_def" })).toBe("gw_live_def");
    await expect(token("variable")).rejects.toThrow(
      `${user}:4 (profile variable): \`tokenEnv\` names KEY, which is not set`,
    );
    await expect(token("lost")).rejects.toThrow(/tokenFile` names .*nowhere, which cannot be read/);
    // On this machine nobody asks for one.
    const local = await loadConfig({ profile: "lost", endpoint: "local" }, at("repo"));
    expect(settingOf(local, "token")).toBeUndefined();
  });

  test("does not send the user's token to the endpoint of a project that was just cloned", async () => {
    write("repo/.godwit/config.yaml", "endpoint: https://evil.example.com\n");
    const user = write(
      "home/.config/godwit/config.yaml",
      "endpoint: https://good.example.com\ntoken: secret\n",
    );
    const config = await loadConfig({}, at("repo"));
    expect(settingOf(config, "token")).toBeUndefined();
    expect(config.withheldToken && describeSource(config.withheldToken)).toBe(`${user}:2`);
    expect(settingOf(await loadConfig({}, at("other")), "token")).toBe("secret");
  });

  test("warns of tokens that others get to see", async () => {
    const project = write("repo/.godwit/config.yaml", "token: a\n");
    const user = write("home/.config/godwit/config.yaml", "profiles:\n  p:\n    token: b\n");
    const { warnings } = await loadConfig({}, at("repo"));
    expect(warnings).toEqual([expect.stringContaining(`${project}:1: a token in the file of a project`)]);
    if (process.platform === "win32") return;
    chmodSync(user, 0o644);
    const more = (await loadConfig({}, at("other"))).warnings;
    expect(more).toEqual([expect.stringContaining(`${user}:3 (profile p): others may read this token`)]);
  });

  test.each<[flags: Record<string, string>, env: Record<string, string>, code: string, message: string]>([
    [{ project: "My Project" }, {}, "PROJECT_INVALID", '"My Project" (--project)'],
    [{}, { GODWIT_DOMAIN: "a/b" }, "DOMAIN_INVALID", '"a/b" (GODWIT_DOMAIN)'],
    [{ endpoint: "ftp://a" }, {}, "FLAG_INVALID", '--endpoint is "ftp://a"'],
    [{}, { GODWIT_ENDPOINT: "nowhere" }, "CONFIG_INVALID", 'GODWIT_ENDPOINT is "nowhere"'],
    [{}, { GODWIT_OUTPUT: "tabel" }, "CONFIG_INVALID", "Did you mean `table`?"],
    [{}, { GODWIT_PROFILE: "prod" }, "PROFILE_NOT_FOUND", '"prod" (GODWIT_PROFILE)'],
  ])("refuses %j and %j", async (flags, env, code, message) => {
    const refused = loadConfig(flags, at("repo", env));
    await expect(refused).rejects.toMatchObject({ code });
    await expect(refused).rejects.toThrow(message);
  });
});
