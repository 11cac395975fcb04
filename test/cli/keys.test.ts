import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CreatedKey, KeyView } from "../../src/client/api.ts";
import { Workspace } from "./godwit.ts";

let workspace: Workspace;
beforeEach(() => {
  workspace = new Workspace();
});
afterEach(() => workspace.remove());

describe("API keys at the command line", () => {
  test("are made, listed and revoked", async () => {
    const scopes = ["--scope", "runs:read", "--scope", "tasks:deploy"];
    const made = await workspace.run(["create", "key", "ci", ...scopes, "--project", "search"]);
    // The key alone: `GODWIT_TOKEN=$(godwit create key …)`.
    expect([made.code, made.stdout.trim()]).toEqual([0, expect.stringMatching(/^gw_live_\w+$/)]);
    expect(made.stderr).toContain("runs:read, tasks:deploy in search");
    const short = await workspace.json<CreatedKey>([
      "create",
      "key",
      "b",
      "--scope",
      "admin",
      "--expires",
      "2h",
    ]);
    // From the clock of whoever asks.
    expect(Math.abs((short.expiresMs ?? 0) - short.createdMs - 7_200_000)).toBeLessThan(60_000);
    const keys = await workspace.json<KeyView[]>(["get", "keys"]);
    expect(keys.map(({ name, project }) => [name, project])).toEqual([
      ["ci", "search"],
      ["b", null],
    ]);
    expect((await workspace.run(["delete", "key", short.id])).code).toBe(0);
    expect((await workspace.run(["get", "keys"])).stdout).toMatch(/ci .*valid[\s\S]*b .*revoked/);
  });

  test("need words that are known", async () => {
    const stderrOf = async (args: readonly string[], code: number): Promise<string> => {
      const ended = await workspace.run(args);
      expect([args, ended.code]).toEqual([args, code]);
      return ended.stderr;
    };
    expect(await stderrOf(["create", "key", "x"], 2)).toContain("which scopes?");
    expect(await stderrOf(["create", "key", "x", "--scope", "run:read"], 2)).toContain("`runs:read`");
    expect(await stderrOf(["create", "kez", "x"], 2)).toContain("`key`");
    expect(await stderrOf(["delete", "kez", "x"], 2)).toContain("`key`");
    expect(await stderrOf(["delete", "key", "x"], 3)).toContain('no API key "x"');
  });
});

describe("secrets at the command line", () => {
  test("come from the environment, out of which tasks cannot read them, and are not shown", async () => {
    workspace.write({
      "s.ts": `import { ctx, TaskEnvironment } from "godwit";
const env = new TaskEnvironment({ name: "s", secrets: ["TOKEN"] });
export const main = env.task(async function main() {
  console.log("token " + ctx().secret("TOKEN"));
  return [ctx().secret("TOKEN").length, process.env.GODWIT_SECRET_TOKEN ?? null];
});
`,
    });
    const env = { GODWIT_SECRET_TOKEN: "hunter2-hunter2" };
    const ended = await workspace.run(["run", "s.ts", "main", "-o", "json"], { env });
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining("[15,null]")]);
    expect(ended.stderr).toContain("token [redacted]");
    expect(ended.stdout + ended.stderr).not.toContain("hunter2");
    const missing = await workspace.run(["run", "s.ts", "main"]);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('no secret "TOKEN"')]);
  });
});
