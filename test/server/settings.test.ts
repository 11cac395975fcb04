import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  authOf,
  type CoordinatorSettings,
  checkPublicUrl,
  coordinatorSettings,
} from "../../src/server/coordinator-settings.ts";
import { checkEndpoint, runnerSettings, wantedRunner } from "../../src/server/runner-settings.ts";

const invalid = (message: string): object => ({
  code: "CONFIG_INVALID",
  message: expect.stringContaining(message),
});

describe("the settings of a coordinator", () => {
  test("come out of the environment", () => {
    expect(
      coordinatorSettings({ GODWIT_PORT: "0", GODWIT_HOST: "", GODWIT_BLOBS: "s3://b/p" }),
    ).toMatchObject({
      port: 0,
      host: undefined,
      blobs: "s3://b/p",
    });
    for (const port of ["80a", "-1", "65536", "1.5"]) {
      expect(() => coordinatorSettings({ GODWIT_PORT: port })).toThrow(
        `GODWIT_PORT is a whole number from 0 to 65535, not "${port}"`,
      );
    }
  });

  test.each<CoordinatorSettings>([
    { auth: "open" },
    { auth: "open", host: "localhost" },
    { auth: "open", host: "::1" },
    { auth: "open", host: "127.0.0.2", publicUrl: "http://localhost:8080" },
  ])("let %o go without keys", async (settings) => {
    expect(await authOf(settings)).toEqual({ mode: "open" });
  });

  test.each<[CoordinatorSettings, string]>([
    [{ auth: "open", host: "0.0.0.0" }, "without keys, 0.0.0.0 is open to all"],
    [{ auth: "open", host: "::" }, "without keys, :: is open to all"],
    [{ auth: "open", host: "192.168.1.2" }, "is open to all"],
    [{ auth: "open", host: "127.0.0.1.example.com" }, "is open to all"],
    // A proxy in front of it lets everybody in.
    [{ auth: "open", publicUrl: "https://godwit.example.com" }, "without keys, godwit.example.com is open"],
    [{ auth: "off" }, 'is "keys" or "open", not "off"'],
  ])("refuse %o", async (settings, message) => {
    await expect(authOf(settings)).rejects.toMatchObject(invalid(message));
  });

  test("need keys unless they say otherwise", async () => {
    expect(await authOf({})).toEqual({ mode: "keys" });
    expect(await authOf({ host: "0.0.0.0" })).toEqual({ mode: "keys" });
  });

  test("name issuers in a file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "godwit-oidc-"));
    try {
      const path = join(folder, "oidc.json");
      const issuer = {
        issuer: "https://id.example.com",
        audience: "godwit",
        scopes: { sub: { a: ["admin"] } },
      };
      await writeFile(path, JSON.stringify([issuer]));
      expect(await authOf({ oidcFile: path })).toEqual({ mode: "keys", oidc: [issuer] });
      await writeFile(path, JSON.stringify([{ ...issuer, scopes: { sub: { a: ["root"] } } }]));
      await expect(authOf({ oidcFile: path })).rejects.toMatchObject(invalid(`${path} does not list OIDC`));
      await writeFile(path, "{");
      await expect(authOf({ oidcFile: path })).rejects.toMatchObject(invalid(path));
      await expect(authOf({ oidcFile: join(folder, "none") })).rejects.toMatchObject(invalid("ENOENT"));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("have a public address of scheme, host and port", () => {
    expect(checkPublicUrl("https://godwit.example.com/").origin).toBe("https://godwit.example.com");
    for (const url of ["godwit.example.com", "ftp://x", "https://x/godwit", "https://a:b@x", "https://x?y"]) {
      expect(() => checkPublicUrl(url), url).toThrow("is no address of a coordinator");
    }
  });
});

describe("the settings of runners", () => {
  test("come out of the environment", () => {
    const env = { GODWIT_POOLS: "a, b,", GODWIT_SLOTS: "8", GODWIT_ENDPOINT: "https://x", GODWIT_TOKEN: "k" };
    expect(runnerSettings(env)).toMatchObject({
      pools: ["a", "b"],
      slots: 8,
      endpoint: "https://x",
      apiKey: "k",
      environments: undefined,
    });
    expect(() => runnerSettings({ GODWIT_SLOTS: "0" })).toThrow("GODWIT_SLOTS is a whole number from 1 on");
  });

  test("need an address", () => {
    expect(checkEndpoint("https://x")).toBe("https://x");
    expect(() => checkEndpoint(undefined)).toThrow("a runner needs the address of its coordinator");
    for (const url of ["x", "file:///x", ""]) expect(() => checkEndpoint(url)).toThrow("is no address");
  });

  test("make a name that fits into an id", () => {
    expect(wantedRunner({}, "ip-10.eu west")).toEqual({ name: "ip-10-eu-west" });
    expect(wantedRunner({ name: "x".repeat(90) }, "h").name).toHaveLength(40);
    expect(wantedRunner({ name: "" }, "h")).toEqual({ name: "runner" });
    expect(wantedRunner({ pools: ["a"], project: "p", domain: "d" }, "h")).toEqual({
      name: "h",
      pools: ["a"],
      project: "p",
      domain: "d",
    });
  });
});
