import { describe, expect, test } from "vitest";
import { describeSource } from "../../src/config/layer.ts";
import { readConfigFile } from "../../src/config/read-file.ts";

const PLACE = { path: "/work/.godwit/config.yaml", base: "/work", home: "/home/ana" };
const read = (text: string): ReturnType<typeof readConfigFile> => readConfigFile(text, PLACE);

describe("a configuration file", () => {
  test("says what stands where", () => {
    const { top, profiles } = read(`# of the project
project: search
dataDir: data

profiles:
  prod:
    endpoint: https://godwit.example.com
    tokenFile: ~/keys/prod
  here: { endpoint: local }
  empty:
`);
    expect(top.project).toEqual({
      value: "search",
      source: { kind: "file", file: PLACE.path, line: 2, profile: null },
    });
    expect(top.dataDir?.value).toBe("/work/data");
    expect([...profiles.keys()]).toEqual(["prod", "here", "empty"]);
    const { token, endpoint } = profiles.get("prod") ?? {};
    expect([token?.via, token?.value]).toEqual(["file", "/home/ana/keys/prod"]);
    expect(endpoint && describeSource(endpoint.source)).toBe("/work/.godwit/config.yaml:7 (profile prod)");
    expect(profiles.get("empty")).toEqual({});
  });

  test("may be empty", () => {
    expect(read("").top).toEqual({});
    expect(read("# nothing yet\n").top).toEqual({});
  });

  test.each<[what: string, text: string, line: number, message: string]>([
    [
      "a setting that does not exist",
      "project: a\nendpont: https://a.b\n",
      2,
      "there is no setting `endpont`. Did you mean `endpoint`?",
    ],
    [
      "one in a profile",
      "profiles:\n  prod:\n    domian: x\n",
      3,
      "there is no setting `domian`. Did you mean `domain`?",
    ],
    ["another type", "project:\n  - a\n", 1, "`project` is a list, and must be text"],
    ["a number", "project: 12\n", 1, "`project` is 12, and must be text"],
    ["a name that is not allowed", "domain: Prod\n", 1, '`domain` is "Prod", and must have at most 63'],
    [
      "an address that is none",
      "\nendpoint: godwit.example.com\n",
      2,
      '`endpoint` is "godwit.example.com", and must be an address',
    ],
    [
      "an address with a password",
      "endpoint: https://me:hunter2@a.b\n",
      1,
      '`endpoint` is "https://…@a.b", and must not hold',
    ],
    ["another output", "output: yml\n", 1, '`output` is "yml", and must be one of json, table, id'],
    ["two tokens", "token: a\ntokenEnv: B\n", 2, "`token` and `tokenEnv` exclude each other"],
    [
      "a variable that can be none",
      "tokenEnv: $B\n",
      1,
      '`tokenEnv` is "$B", and must be the name of a variable',
    ],
    [
      "a profile that is text",
      "profiles:\n  prod: x\n",
      2,
      '`profiles.prod` is "x", and must be a list of settings',
    ],
    ["a key that comes twice", "project: a\nproject: b\n", 2, "this is not YAML: Map keys must be unique"],
    ["a tab", "profiles:\n\tprod: {}\n", 2, "this is not YAML"],
    ["an alias of nothing", "project: *a\n", 1, "this is not YAML"],
    ["a list", "- project\n", 1, "a configuration is a list of `setting: value` lines"],
  ])("is refused for %s", (_, text, line, message) => {
    const refused = expect.objectContaining({ code: "CONFIG_INVALID" });
    expect(() => read(text)).toThrow(refused);
    expect(() => read(text)).toThrow(`${PLACE.path}:${line}: ${message}`);
  });

  test("never quotes a token, whatever is wrong with it", () => {
    expect(() => read("token: [hunter2]\n")).toThrow(/^(?!.*hunter2).*`token` must be text/);
  });

  test("cannot fill the memory with aliases", () => {
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]", ..."bcdefgh"]
      .map((name, at) =>
        at === 0 ? name : `${name}: &${name} [${`*${String.fromCharCode(96 + at)},`.repeat(9)}]`,
      )
      .join("\n");
    expect(() => read(bomb)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});
