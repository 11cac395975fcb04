import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startDev, Workspace } from "./godwit.ts";

const HELLO = `
import { ctx, TaskEnvironment } from "godwit";
const env = new TaskEnvironment({ name: "hello", secrets: ["KEY"] });
export const main = env.task({ cache: { version: "1" } }, async function main({ who }: { who: string }) {
  console.log("hello", who);
  return ctx().secret("KEY");
});
`;

let workspace: Workspace;
let env: Record<string, string>;
beforeEach(() => {
  workspace = new Workspace();
  env = { HOME: join(workspace.path, "home"), XDG_CONFIG_HOME: join(workspace.path, "home", ".config") };
});
afterEach(() => workspace.remove());

interface ShownConfig {
  readonly settings: readonly {
    readonly setting: string;
    readonly value: string | null;
    readonly source: string;
  }[];
  readonly files: readonly string[];
  readonly profiles: readonly string[];
}

function writeUserFile(text: string): string {
  workspace.write({ "home/.config/godwit/config.yaml": text });
  const path = join(workspace.path, "home/.config/godwit/config.yaml");
  chmodSync(path, 0o600);
  return path;
}

describe("godwit get config", () => {
  test("tells each value and where it comes from, and no secret", async () => {
    workspace.write({
      ".godwit/config.yaml": "project: search\nprofiles:\n  prod:\n    domain: production\n",
    });
    const user = writeUserFile(
      "profiles:\n  prod:\n    endpoint: https://g.example.com\n    token: gw_live_abcdefgh_wxyz\n",
    );
    const more = {
      ...env,
      GODWIT_OUTPUT: "table",
      GODWIT_DATABASE_URL: "postgres://me:hunter2@db.example.com/godwit",
    };
    const args = ["get", "config", "--profile", "prod", "--data-dir", "x"];
    const { settings, files, profiles } = await workspace.json<ShownConfig>(args, { env: more });
    const project = files[0] ?? "";
    expect(project.endsWith(join(".godwit", "config.yaml"))).toBe(true);
    expect([files[1], profiles]).toEqual([user, ["prod"]]);
    expect(
      Object.fromEntries(settings.map(({ setting, value, source }) => [setting, [value, source]])),
    ).toEqual({
      profile: ["prod", "--profile"],
      endpoint: ["https://g.example.com", `${user}:3 (profile prod)`],
      token: ["gw…wxyz", `${user}:4 (profile prod)`],
      project: ["search", `${project}:1`],
      domain: ["production", `${project}:4 (profile prod)`],
      dataDir: [expect.stringMatching(/[\\/]x$/), "--data-dir"],
      output: ["json", "--output"],
      databaseUrl: ["postgres://me:***@db.example.com/godwit", "GODWIT_DATABASE_URL"],
    });
    const table = await workspace.run(args, { env: more });
    expect(table.stdout).toMatch(/^SETTING +VALUE +FROM\n/);
    expect(table.stdout).toMatch(/\ndomain +production +.*config\.yaml:4 \(profile prod\)\n/);
    expect(table.stdout + table.stderr).not.toMatch(/hunter2|abcdefgh/);
    expect(table.stderr).toContain("profiles: prod");
  });

  test("finds the file of the project from a folder below it", async () => {
    workspace.write({ ".git/HEAD": "", ".godwit/config.yaml": "project: search\n", "src/a.ts": "" });
    const cwd = join(workspace.path, "src");
    const { settings } = await workspace.json<ShownConfig>(["get", "config"], { env, cwd });
    expect(settings.find(({ setting }) => setting === "project")?.value).toBe("search");
    expect((await workspace.run(["get", "runs"], { env, cwd })).code).toBe(0);
    // One project, one data folder.
    expect(existsSync(join(workspace.path, ".godwit/godwit.db"))).toBe(true);
    expect(existsSync(join(cwd, ".godwit"))).toBe(false);
  });
});

describe("godwit create config", () => {
  test("writes a file to start with, and never over one that is there", async () => {
    const file = join(workspace.path, ".godwit/config.yaml");
    const made = await workspace.run(["create", "config", "--project", "search", "--local"], { env });
    expect([made.code, made.stdout]).toEqual([0, ""]);
    expect(readFileSync(file, "utf8")).toContain('\nproject: "search"\n');
    expect(readFileSync(join(workspace.path, ".godwit/.gitignore"), "utf8")).toBe("*\n!config.yaml\n");
    const { settings } = await workspace.json<ShownConfig>(["get", "config"], { env });
    expect(settings.find(({ setting }) => setting === "project")?.source).toMatch(/config\.yaml:\d+$/);
    const before = readFileSync(file, "utf8");
    const again = await workspace.run(["create", "config"], { env });
    expect([again.code, again.stderr]).toEqual([7, expect.stringContaining("FILE_EXISTS")]);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test("keeps the user's file to the user", async () => {
    const made = await workspace.run(["create", "config", "--user"], { env });
    const file = join(workspace.path, "home/.config/godwit/config.yaml");
    expect([made.code, made.stderr]).toEqual([0, expect.stringContaining(file)]);
    if (process.platform !== "win32") expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await workspace.run(["get", "config"], { env })).code).toBe(0);
  });
});

describe("a configuration that is not in order", () => {
  test("is told with its line, and keeps neither help nor the doctor from working", async () => {
    workspace.write({ ".godwit/config.yaml": "project: search\nendpont: https://a.example.com\n" });
    const refused = await workspace.run(["get", "runs"], { env });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /^error CONFIG_INVALID: .*config\.yaml:2: there is no setting `endpont`\. Did you mean `endpoint`\?\n {2}hint: .+\n$/,
    );
    const run = await workspace.run(["run", "hello.ts", "main"], { env });
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining("config.yaml:2:")]);
    const help = await workspace.run(["run", "--help"], { env });
    expect([help.code, help.stdout]).toEqual([
      0,
      expect.stringMatching(/Flags of every command:[\s\S]*--profile/),
    ]);
    const doctor = await workspace.run(["doctor"], { env });
    expect(doctor.code).toBe(2);
    expect(doctor.stdout).toMatch(/✗ +config +.*config\.yaml:2/);
    // It touches no data while it does not know where that is.
    expect(existsSync(join(workspace.path, ".godwit/godwit.db"))).toBe(false);
  });

  test("names the profiles there are, and the names that are allowed", async () => {
    workspace.write({ ".godwit/config.yaml": "profiles:\n  prod: {}\n" });
    const unknown = await workspace.run(["get", "runs"], { env: { ...env, GODWIT_PROFILE: "prd" } });
    expect([unknown.code, unknown.stderr]).toEqual([
      3,
      expect.stringMatching(/`prod`\?\n {2}hint: Profiles: prod/),
    ]);
    const named = await workspace.run(["get", "runs", "-p", "My Project"], { env });
    expect([named.code, named.stderr]).toEqual([
      2,
      expect.stringMatching(/PROJECT_INVALID[\s\S]*`my-project`/),
    ]);
    const both = await workspace.run(["get", "runs", "--local", "--endpoint", "http://127.0.0.1:1"], { env });
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("exclude each other")]);
  });
});

describe("a profile", () => {
  test("sends commands to its coordinator, until `--local` keeps them here", async () => {
    workspace.write({ "hello.ts": HELLO });
    const dev = await startDev(workspace);
    try {
      const profiles = `profiles:\n  dev:\n    endpoint: ${dev.endpoint}\n    project: search\n    domain: staging\n`;
      workspace.write({
        "client/.godwit/config.yaml": profiles,
        "client/package.json": '{ "type": "module" }',
        "client/hello.ts": HELLO,
        ".godwit/secrets/search/staging/KEY": "of-staging",
      });
      for (const path of ["KEY", "."])
        chmodSync(join(workspace.path, ".godwit/secrets/search/staging", path), 0o700);
      chmodSync(join(workspace.path, ".godwit/secrets/search/staging/KEY"), 0o600);
      const cwd = join(workspace.path, "client");
      const at = { env: { ...env, GODWIT_PROFILE: "dev" }, cwd };
      const ran = await workspace.run(["run", "hello.ts", "main", "--who", "you"], at);
      expect([ran.code, ran.stdout]).toEqual([0, '"of-staging"\n']);
      const [run] = await workspace.json<{ id: string; project: string; domain: string }[]>(
        ["get", "runs"],
        at,
      );
      expect(run).toMatchObject({ project: "search", domain: "staging" });
      expect(await workspace.json(["get", "runs", "--local"], at)).toEqual([]);
      expect(await workspace.json(["get", "tasks"], at)).toMatchObject([
        { project: "search", domain: "staging" },
      ]);
      const elsewhere = await workspace.run(["abort", run?.id ?? "", "-d", "production"], at);
      expect([elsewhere.code, elsewhere.stderr]).toEqual([
        3,
        expect.stringContaining("it is of search/staging"),
      ]);
    } finally {
      await dev.stop();
    }
  });
});

describe("a token that stands beside another endpoint", () => {
  test("is not sent, and the refusal says why", async () => {
    const seen: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      const problem = {
        title: "No",
        status: 401,
        detail: "no key",
        code: "UNAUTHENTICATED",
        hint: "Give one.",
      };
      response.writeHead(401, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const user = writeUserFile("endpoint: https://g.example.com\ntoken: gw_live_abcdefgh_wxyz\n");
      const ended = await workspace.run(["get", "runs", "--endpoint", endpoint], { env });
      expect([ended.code, seen]).toEqual([4, [undefined]]);
      expect(ended.stderr).toContain(`hint: The token of ${user}:2 stands beside another endpoint`);
      const given = { ...env, GODWIT_TOKEN: "gw_live_given" };
      expect((await workspace.run(["get", "runs", "--endpoint", endpoint], { env: given })).code).toBe(4);
      expect(seen[1]).toBe("Bearer gw_live_given");
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe("on this machine", () => {
  const place = (project: string, domain: string): string[] => ["-p", project, "-d", domain];
  const A = place("a", "production");
  const B = place("b", "development");

  test("projects and domains have runs, tasks, results and secrets of their own", async () => {
    workspace.write({
      "hello.ts": HELLO,
      ".godwit/secrets/a/production/KEY": "of-a",
      ".godwit/secrets/b/development/KEY": "of-b",
    });
    for (const name of ["a/production", "b/development"]) {
      chmodSync(join(workspace.path, ".godwit/secrets", name), 0o700);
      chmodSync(join(workspace.path, ".godwit/secrets", name, "KEY"), 0o600);
    }
    const run = ["run", "hello.ts", "main", "--who", "you"];
    expect((await workspace.run([...run, ...A], { env })).stdout).toBe('"of-a"\n');
    // The same input and version: a shared cache would answer with the secret of `a`.
    expect((await workspace.run([...run, ...B], { env })).stdout).toBe('"of-b"\n');
    expect((await workspace.run(run, { env })).stderr).toContain('no secret "KEY"');

    interface Listed {
      readonly id: string;
      readonly project: string;
      readonly domain: string;
    }
    const listed = (what: string, at: readonly string[]): Promise<Listed[]> =>
      workspace.json<Listed[]>(["get", what, ...at], { env });
    const [ofA, ...more] = await listed("runs", A);
    expect([ofA?.project, ofA?.domain, more]).toEqual(["a", "production", []]);
    expect((await listed("tasks", B)).map(({ project }) => project)).toEqual(["b"]);
    expect((await listed("cache", A)).map(({ project }) => project)).toEqual(["a"]);
    expect(await listed("runs", place("c", "development"))).toEqual([]);
    const all = await workspace.run(["get", "runs"], { env });
    expect(all.stdout).toMatch(/PLACE[\s\S]*a\/production/);

    const id = ofA?.id ?? "";
    for (const verb of [
      ["logs", id],
      ["abort", id],
      ["get", "run", id],
      ["rerun", id],
      ["signal", id, "x"],
    ]) {
      const refused = await workspace.run([...verb, ...B], { env });
      expect([verb[0], refused.code]).toEqual([verb[0], 3]);
      expect(refused.stderr).toContain(`no run "${id}" in b/development: it is of a/production`);
      expect(refused.stderr).toContain("hint: Add `--project a --domain production`");
    }
    expect((await workspace.run(["logs", id, ...A], { env })).stdout).toContain("hello you");
    expect((await workspace.run(["rerun", id], { env })).code).toBe(0);
    expect((await listed("runs", A)).length).toBe(2);
    const recovered = await workspace.run([...run, ...B, "--recover", id], { env });
    expect([recovered.code, recovered.stderr]).toEqual([
      2,
      expect.stringContaining('the project "a", not of "b"'),
    ]);
  });

  test("keys are for the project that is named", async () => {
    mkdirSync(join(workspace.path, "home"), { recursive: true });
    workspace.write({ ".godwit/config.yaml": "project: search\n" });
    const make = (name: string, ...more: string[]): Promise<{ project: string | null }> =>
      workspace.json(["create", "key", name, "--scope", "runs:read", ...more], { env });
    expect((await make("one")).project).toBe("search");
    expect((await make("two", "-p", "other")).project).toBe("other");
    expect((await make("three", "--all-projects")).project).toBeNull();
    const names = async (...more: string[]): Promise<string[]> =>
      (await workspace.json<{ name: string }[]>(["get", "keys", ...more], { env })).map(({ name }) => name);
    expect(await names()).toEqual(["one"]);
    expect(await names("-p", "other")).toEqual(["two"]);
  });
});
