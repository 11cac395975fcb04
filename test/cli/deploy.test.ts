import { execFileSync } from "node:child_process";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseGit } from "../../src/cli/deploy/git.ts";
import type { EnvironmentReport } from "../../src/cli/deploy/report.ts";
import { GodwitClient } from "../../src/client/client.ts";
import { openBlobFolder } from "../coordinator/blob-folder.ts";
import { keyFor, openSystem } from "../coordinator/system.ts";
import { type Ended, startDev, Workspace } from "./godwit.ts";

const FILES = {
  "main.ts": 'export * from "./etl.ts";\nexport * from "./models.ts";\n',
  "etl.ts": `import { TaskEnvironment } from "godwit";
import { models, predict } from "./models.ts";
const etl = new TaskEnvironment({ name: "etl", dependsOn: [models] });
export const load = etl.task(async function load({ n }: { n: number }) { return (await predict(n)) + 1; });
export const count = etl.task({ retries: 1 }, async function count() { return 1; });
`,
  "models.ts": `import { TaskEnvironment } from "godwit";
export const models = new TaskEnvironment({ name: "models" });
export const predict = models.task(async function predict(n: number) { return n * 2; });
`,
};

interface Reply {
  readonly project: string;
  readonly domain: string;
  readonly isDryRun: boolean;
  readonly environments: readonly EnvironmentReport[];
}

const workspace = new Workspace();
let endpoint: string;
let client: GodwitClient;
let stop: () => Promise<Ended>;
let nth = 0;
/** A project of its own for each test: nothing is deployed there yet. */
let at: string[] = [];
let project: string;

beforeAll(async () => {
  const dev = await startDev(workspace);
  endpoint = dev.endpoint;
  client = new GodwitClient({ endpoint });
  stop = dev.stop;
});

afterAll(async () => {
  await stop();
  workspace.remove();
});

beforeEach(() => {
  workspace.write(FILES);
  nth += 1;
  project = `p${nth}`;
  at = ["--endpoint", endpoint, "--project", project];
});

const deploy = (...args: string[]): Promise<Reply> =>
  workspace.json<Reply>(["deploy", "main.ts", ...args, ...at]);
const statesOf = ({ environments }: Reply): Record<string, string> =>
  Object.fromEntries(environments.map(({ environment, state }) => [environment, state]));

async function deployed(): Promise<number> {
  return (await client.listDeployments({ project })).data.length;
}

describe("godwit deploy", () => {
  test("deploys what a file defines; again it has nothing to do, and an edit changes what it reaches", async () => {
    const first = await workspace.run(["deploy", "main.ts", ...at]);
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout).toMatch(
      /^ENVIRONMENT +STATE +VERSION +TASKS\netl +new +[0-9a-f]{12} +2\nmodels +new +[0-9a-f]{12} +1\n$/,
    );
    expect(first.stderr).toContain(`deployed 2 environments to ${project}/development at ${endpoint}`);
    const again = await workspace.run(["deploy", "main.ts", ...at]);
    expect(again.stderr).toContain("nothing to do: all of it is what was deployed last");
    workspace.write({ "etl.ts": FILES["etl.ts"].replace("+ 1", "+ 2") });
    expect(statesOf(await deploy())).toEqual({ etl: "changed", models: "unchanged" });
    workspace.write(FILES);
    expect(statesOf(await deploy())).toEqual({ etl: "restored", models: "unchanged" });
  });

  test("makes tasks that run by their names, in the code of their own environments", async () => {
    await deploy();
    const { outcome } = await client.runTask("etl.load", { n: 20 }, { project, wait: "30s" });
    expect(outcome).toMatchObject({ ok: true, value: 41 });
  });

  test("is what others call, whatever somebody runs meanwhile", async () => {
    await deploy("--version", "v1");
    workspace.write({ "etl.ts": FILES["etl.ts"].replace("+ 1", "+ 2") });
    const tried = await workspace.run(["run", "main.ts", "etl.load", "--n", "20", ...at]);
    workspace.write(FILES);
    expect(tried).toMatchObject({ code: 0, stdout: "42\n" });
    expect((await client.getTask("etl.load", { project })).version).toBe("v1");
    const { outcome } = await client.runTask("etl.load", { n: 20 }, { project, wait: "30s" });
    expect(outcome).toMatchObject({ ok: true, value: 41 });
    const { stdout } = await workspace.run(["get", "deployments", "etl", ...at]);
    expect(stdout).toContain("only run");
  });

  test("deploys what is named, with all it depends on", async () => {
    expect(statesOf(await deploy("models"))).toEqual({ models: "new" });
    expect(statesOf(await deploy("etl"))).toEqual({ etl: "new", models: "unchanged" });
  });

  test("keeps what was deployed before, for `get deployments` to list", async () => {
    await deploy();
    workspace.write({ "etl.ts": FILES["etl.ts"].replace("+ 1", "+ 2") });
    await deploy();
    workspace.write(FILES);
    const all = await workspace.json<{ id: string; environment: string }[]>(["get", "deployments", ...at]);
    expect(all.map(({ environment }) => environment).sort()).toEqual(["etl", "etl", "models"]);
    const etl = await workspace.json<{ id: string }[]>(["get", "deployments", "etl", ...at]);
    expect(etl).toHaveLength(2);
    const shown = await workspace.run(["get", "deployment", etl[0]?.id ?? "", ...at]);
    expect(shown.stdout).toMatch(/^environment +etl$/m);
    expect(shown.stdout).toMatch(/^depends on +models$/m);
    expect((await workspace.run(["get", "deployments", "nope", ...at])).stderr).toContain(
      "Nothing is deployed",
    );
  });

  test("says what would change, and changes nothing", async () => {
    expect(statesOf(await deploy("--dry-run"))).toEqual({ etl: "new", models: "new" });
    expect(await deployed()).toBe(0);
    await deploy();
    workspace.write({
      "etl.ts": FILES["etl.ts"]
        .replace("new TaskEnvironment({ name", 'new TaskEnvironment({ env: { A: "1" }, name')
        .replace("retries: 1", "retries: 2")
        .replace("function load", "function loadAll"),
    });
    const dry = await deploy("--dry-run");
    const [etl] = dry.environments;
    expect(dry.isDryRun).toBe(true);
    expect(etl).toMatchObject({
      state: "changed",
      hasOtherSettings: true,
      changes: [
        { task: "etl.count", change: "changed", parts: ["code", "settings"] },
        { task: "etl.load", change: "removed" },
        { task: "etl.loadAll", change: "added" },
      ],
    });
    const { stdout, stderr } = await workspace.run(["deploy", "main.ts", "--dry-run", ...at]);
    expect(stdout).toContain(
      "  ~ settings of the environment\n  ~ etl.count: code, settings\n  - etl.load\n",
    );
    expect(stderr).toContain("a dry run: nothing was uploaded or deployed");
    expect(statesOf(await deploy("--dry-run"))).toEqual({ etl: "changed", models: "unchanged" });
  });

  test("deploys environments that depend on each other, and their tasks call each other", async () => {
    workspace.write({
      "circle.ts": `import { type Task, TaskEnvironment } from "godwit";
const ping = new TaskEnvironment({ name: "ping", dependsOn: () => [pong] });
const pong = new TaskEnvironment({ name: "pong", dependsOn: [ping] });
export const a: Task<number, number> = ping.task({ name: "a" }, async (n: number): Promise<number> => (n === 0 ? 0 : 1 + (await b(n - 1))));
export const b: Task<number, number> = pong.task({ name: "b" }, async (n: number): Promise<number> => (n === 0 ? 0 : 1 + (await a(n - 1))));
`,
    });
    const circle = ["deploy", "circle.ts", ...at];
    expect(statesOf(await workspace.json<Reply>(circle))).toEqual({ ping: "new", pong: "new" });
    expect(statesOf(await workspace.json<Reply>(circle))).toEqual({ ping: "unchanged", pong: "unchanged" });
    const { outcome } = await client.runTask("ping.a", 5, { project, wait: "30s" });
    expect(outcome).toMatchObject({ ok: true, value: 5 });
  });

  test("gives all a version, which stays what it is", async () => {
    const { environments } = await deploy("--version", "v1");
    expect(environments.map(({ version }) => version)).toEqual(["v1", "v1"]);
    expect(statesOf(await deploy("--version", "v1"))).toEqual({ etl: "unchanged", models: "unchanged" });
    workspace.write({ "models.ts": FILES["models.ts"].replace("n * 2", "n * 3") });
    for (const more of [[], ["--dry-run"]]) {
      const { code, stderr } = await workspace.run(["deploy", "main.ts", "--version", "v1", ...more, ...at]);
      expect(code).toBe(7);
      expect(stderr).toMatch(/error VERSION_CONFLICT: \w+ has a version "v1"/);
    }
    expect(await deployed()).toBe(2);
  });

  test("records where the code comes from", async () => {
    const git = (...args: string[]): string =>
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], {
        cwd: workspace.path,
      }).toString();
    git("init", "-q", "-b", "main");
    workspace.write({ ".gitignore": ".godwit\n" });
    git("add", "main.ts", "etl.ts", "models.ts", "package.json", ".gitignore");
    git("commit", "-q", "-m", "first");
    const commit = git("rev-parse", "HEAD").trim();
    workspace.write({
      "package.json": '{ "type": "module", "godwit": { "external": ["outside"] } }',
      "node_modules/outside/package.json":
        '{ "name": "outside", "version": "4.5.6", "type": "module", "main": "i.js" }',
      "node_modules/outside/i.js": "export const out = 1;\n",
      "models.ts": `import { out } from "outside";\n${FILES["models.ts"].replace("n * 2", "n * out")}`,
    });
    const { environments } = await deploy();
    const { source } = await client.getDeployment(environments[0]?.deployment ?? "");
    const outside = { outside: "4.5.6" };
    expect(source).toEqual({
      file: "main.ts",
      git: { commit, branch: "main", isDirty: true },
      external: { etl: outside, models: outside },
    });
    workspace.write({ "package.json": '{ "type": "module" }' });
  });

  test.each<[string, Record<string, string>, string[], number, RegExp]>([
    [
      "an environment that is not there",
      {},
      ["model"],
      3,
      /ENVIRONMENT_NOT_FOUND: .*`models`\?[\s\S]*Environments with tasks: etl, models/,
    ],
    [
      "an environment without tasks",
      {
        "main.ts": `${FILES["main.ts"]}import { TaskEnvironment } from "godwit";\nnew TaskEnvironment({ name: "bare" });\n`,
      },
      ["bare"],
      3,
      /ENVIRONMENT_NOT_FOUND: the environment `bare` of main\.ts has no tasks/,
    ],
    [
      "a file without tasks",
      { "main.ts": "export const nothing = 1;\n" },
      [],
      3,
      /main\.ts defines no tasks/,
    ],
    [
      "a name that is defined twice",
      { "models.ts": `${FILES["models.ts"]}new TaskEnvironment({ name: "etl" });\n` },
      [],
      2,
      /TASK_DUPLICATE: main\.ts defines `etl` more than once/,
    ],
    [
      "a dependency that is missing",
      { "etl.ts": FILES["etl.ts"].replace("dependsOn: [models]", "") },
      [],
      2,
      /DEPENDENCY_MISSING: `etl\.load` calls `models\.predict` \(etl\.ts:4:88\)[\s\S]*dependsOn: \[models\]/,
    ],
    [
      "a package that cannot be bundled",
      {
        "node_modules/native/package.json": '{ "name": "native", "gypfile": true }',
        "node_modules/native/index.js": "exports.go = () => 1;\n",
        "models.ts": `import { go } from "native";\ngo();\n${FILES["models.ts"]}`,
      },
      [],
      2,
      /BUNDLE_FAILED: native has a native add-on[\s\S]*--external native/,
    ],
    ["a version that is none", {}, ["--version", "no spaces"], 2, /version/],
  ])("refuses %s, and deploys nothing", async (_, files, args, code, told) => {
    workspace.write(files);
    const ended = await workspace.run(["deploy", "main.ts", ...args, ...at]);
    expect(ended.stderr).toMatch(told);
    expect(ended.code).toBe(code);
    expect(await deployed()).toBe(0);
  });

  test("needs a coordinator that answers", async () => {
    const none = await workspace.run(["deploy", "main.ts", "--local"]);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("no endpoint is configured") });
    const silent = await workspace.run([
      "deploy",
      "main.ts",
      "--dry-run",
      "--endpoint",
      "http://127.0.0.1:9",
    ]);
    expect(silent).toMatchObject({ code: 5, stderr: expect.stringContaining("ENDPOINT_UNREACHABLE") });
  });

  test("warns of recursion that makes no actions, here and on a coordinator", async () => {
    workspace.write({
      "fib.ts": `import { TaskEnvironment } from "godwit";
const env = new TaskEnvironment({ name: "fib" });
export const fib = env.task(async function fib(n: number): Promise<number> {
  return n < 2 ? n : (await fib(n - 1)) + (await fib(n - 2));
});
`,
    });
    for (const args of [
      ["deploy", "fib.ts", ...at],
      ["run", "fib.ts", "fib", "--input", "5"],
      ["run", "fib.ts", "fib", "--input", "5", ...at],
    ]) {
      const { code, stderr } = await workspace.run(args);
      expect(stderr).toContain("warning: fib.ts:4:29: `fib.fib` calls itself as a plain function");
      expect(stderr).toContain('env.task({ name: "fib" }, async (…) => …)');
      expect(code).toBe(0);
    }
  });
});

describe("godwit run on a coordinator", () => {
  test("deploys the environment of the task and what it depends on, and no more", async () => {
    workspace.write({
      "main.ts": `${FILES["main.ts"]}import { TaskEnvironment } from "godwit";\nexport const idle = new TaskEnvironment({ name: "idle" }).task(async function idle() {});\n`,
    });
    const { code, stdout } = await workspace.run(["run", "main.ts", "load", "--n", "1", ...at]);
    expect([code, stdout]).toEqual([0, "3\n"]);
    const { data } = await client.listDeployments({ project });
    expect(data.map(({ environment }) => environment).sort()).toEqual(["etl", "models"]);
  });

  test("forks with the code of a file", async () => {
    const { run } = await workspace.json<{ run: string }>(["run", "main.ts", "load", "--n", "1", ...at]);
    workspace.write({ "models.ts": FILES["models.ts"].replace("n * 2", "n * 5") });
    const forked = await workspace.run(["fork", run, "main.ts", "--changed", ...at]);
    expect([forked.code, forked.stdout]).toEqual([0, "6\n"]);
  });

  test("refuses a dependency that is missing before anything starts", async () => {
    workspace.write({ "etl.ts": FILES["etl.ts"].replace("dependsOn: [models]", "") });
    const { code, stderr } = await workspace.run(["run", "main.ts", "load", "--n", "1", ...at]);
    expect([code, stderr.includes("DEPENDENCY_MISSING")]).toEqual([2, true]);
    expect(await deployed()).toBe(0);
  });
});

describe("keys", () => {
  test("need the scope to deploy; without that to read a dry run says less", async () => {
    const blobs = await openBlobFolder();
    const system = await openSystem({ auth: { mode: "keys" }, blobs: blobs.store });
    const server = serve({ fetch: system.app.fetch, hostname: "127.0.0.1", port: 0 });
    await new Promise((resolve) => server.once("listening", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const tokenOf = async (...scopes: Parameters<typeof keyFor>[1]): Promise<string> =>
      (await keyFor(system, scopes))["Authorization"]?.replace("Bearer ", "") ?? "";
    const dryRun = (token: string): Promise<Ended> =>
      workspace.run(["deploy", "main.ts", "--dry-run", "--endpoint", url], { env: { GODWIT_TOKEN: token } });
    expect(await dryRun("")).toMatchObject({ code: 4, stderr: expect.stringContaining("UNAUTHENTICATED") });
    expect(await dryRun(await tokenOf("runs:read"))).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("tasks:deploy"),
    });
    expect(await dryRun(await tokenOf("tasks:deploy"))).toMatchObject({ code: 0 });
    server.close();
    await system.close();
    await blobs.close();
  });
});

test.each<[string, ReturnType<typeof parseGit>]>([
  ["", null],
  ["# branch.oid (initial)\n# branch.head main\n", null],
  [
    `# branch.oid ${"a".repeat(40)}\n# branch.head (detached)\n`,
    { commit: "a".repeat(40), branch: null, isDirty: false },
  ],
  [
    `# branch.oid ${"b".repeat(40)}\n# branch.head x/y\n# branch.upstream o/x\n? new.ts\n`,
    { commit: "b".repeat(40), branch: "x/y", isDirty: true },
  ],
])("reads what git says: %j", (text, state) => {
  expect(parseGit(text)).toEqual(state);
});
