import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { postgresDatabase } from "../setup/postgres-database.ts";
import { HARMFUL, Started, Workspace } from "./godwit.ts";

const BIG = `
import { TaskEnvironment } from "godwit";

const env = new TaskEnvironment({ name: "big" });
export const grow = env.task(async function grow({ kib }: { kib: number }) {
  return "x".repeat(kib * 1024);
});
export const main = env.task(async function main({ kib }: { kib: number }) {
  return (await grow({ kib })).length;
});
`;

const database = postgresDatabase();
let workspace: Workspace;
beforeEach(() => {
  workspace = new Workspace({ "big.ts": BIG, "harmful.ts": HARMFUL });
});
afterEach(() => workspace.remove());

type Env = Readonly<Record<string, string>>;

interface Coordinator {
  readonly endpoint: string;
  readonly started: Started;
  /** A key made beside the database. */
  createKey(scopes: string): Promise<Env>;
}

async function startCoordinator(env: Env = {}): Promise<Coordinator> {
  const started = workspace.start(["start", "coordinator", "--port", "0"], { env });
  const [, endpoint = ""] = await started.printed(/serves (http:\S+)/);
  return {
    endpoint,
    started,
    async createKey(scopes) {
      const flags = scopes.split(" ").flatMap((scope) => ["--scope", scope]);
      const { code, stdout, stderr } = await workspace.run(["create", "key", "k", ...flags, "--local"], {
        env,
      });
      expect([code, stderr]).toEqual([0, expect.stringContaining("shown this once")]);
      return { GODWIT_TOKEN: stdout.trim() };
    },
  };
}

async function startRunner(
  { endpoint, createKey }: Coordinator,
  flags: readonly string[] = [],
): Promise<Started> {
  const args = ["start", "runner", "--endpoint", endpoint, "--processes", "1", ...flags];
  const env = { ...(await createKey("runners")), TMPDIR: workspace.path };
  const runner = workspace.start(args, { env });
  await runner.printed(/godwit runner \S+ serves/);
  return runner;
}

const run = async (at: Coordinator, args: readonly string[]) =>
  workspace.run(["run", ...args, "--endpoint", at.endpoint], {
    env: await at.createKey("runs:read runs:write tasks:deploy"),
  });

describe("a coordinator and a runner of their own", () => {
  test.each<[string, () => Env]>([
    ["SQLite", () => ({})],
    ["PostgreSQL", () => ({ GODWIT_DATABASE_URL: database.url, GODWIT_SIGNING_KEY: "A".repeat(43) })],
  ])("run tasks of whoever has a key, on %s", async (_, env) => {
    const coordinator = await startCoordinator(env());
    expect(coordinator.started.stderr).toContain("godwit create key admin --scope admin --local");
    const refused = await workspace.run(["get", "runs", "--endpoint", coordinator.endpoint]);
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining("UNAUTHENTICATED")]);
    const runner = await startRunner(coordinator);
    const temporary = (): readonly string[] =>
      readdirSync(workspace.path).filter((name) => name.startsWith("godwit-runner-"));
    // Larger than what is stored inline: it goes by way of the folder that the coordinator serves.
    const ended = await run(coordinator, ["big.ts", "main", "--kib", "200"]);
    expect([ended.stdout.trim(), ended.code]).toEqual([String(200 * 1024), 0]);
    expect(temporary()).toHaveLength(1);
    runner.child.kill("SIGTERM");
    expect((await runner.ended).code).toBe(0);
    expect(temporary()).toEqual([]);
    coordinator.started.child.kill("SIGTERM");
    const { code, stderr } = await coordinator.started.ended;
    expect([code, stderr]).toEqual([0, expect.stringContaining("stopping")]);
    expect(stderr).not.toContain("error");
  });

  test("outlive a task that harms the process it runs in", async () => {
    const coordinator = await startCoordinator();
    const runner = await startRunner(coordinator, ["--heap", "96"]);
    for (const [call, code] of [
      ["leak", "OUT_OF_MEMORY"],
      ["leave", "PROCESS_EXITED"],
    ] as const) {
      const ended = await run(coordinator, ["harmful.ts", "survivor", "--call", call]);
      expect([call, ended.stdout.trim()]).toEqual([call, JSON.stringify(code)]);
    }
    expect(runner.stdout + runner.stderr).toContain("a runner died");
    expect(runner.child.exitCode).toBeNull();
  });
});

test("a process that is blocked ends with the runner it belongs to", async () => {
  workspace.write({
    "stuck.ts": `import { writeFileSync } from "node:fs";
import { TaskEnvironment } from "godwit";
const env = new TaskEnvironment({ name: "stuck" });
export const main = env.task(async function main({ path }: { path: string }) {
  writeFileSync(path, String(process.pid));
  for (;;);
});
`,
  });
  const coordinator = await startCoordinator();
  const runner = await startRunner(coordinator);
  const path = join(workspace.path, "pid");
  await run(coordinator, ["stuck.ts", "main", "--path", path, "--detach"]);
  const pid = await until(() => Number(readIfThere(path)) || undefined);
  runner.child.kill("SIGKILL");
  await until(() => (isAlive(pid) ? undefined : true));
});

async function until<Value>(look: () => Value | undefined): Promise<Value> {
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("the entry points for containers", () => {
  const entry = (name: string): string =>
    fileURLToPath(new URL(`../../functions/node/${name}.ts`, import.meta.url));
  const start = (name: string, env: Env): Started => new Started(spawnNode(entry(name), env));
  const spawnNode = (path: string, env: Env): ChildProcess =>
    spawn(process.execPath, ["--conditions=source", path], {
      cwd: workspace.path,
      env: { PATH: process.env["PATH"] ?? "", ...env },
    });

  test("need nothing but variables", async () => {
    const coordinator = start("coordinator", { GODWIT_PORT: "0" });
    const [, endpoint = ""] = await coordinator.printed(/"message":"coordinator at ([^"]+)"/);
    const made = await workspace.run(["create", "key", "r", "--scope", "runners", "--local"]);
    const env = { GODWIT_ENDPOINT: endpoint, GODWIT_TOKEN: made.stdout.trim(), GODWIT_PROCESSES: "1" };
    const runner = start("runner", { ...env, GODWIT_RUNNER_NAME: "box" });
    await runner.printed(/"message":"runner box-/);
    for (const started of [runner, coordinator]) {
      started.child.kill("SIGTERM");
      expect([(await started.ended).code, started.stdout]).toEqual([0, ""]);
    }
  });

  test("say in one line what is wrong", async () => {
    const wrong = await start("coordinator", { GODWIT_PORT: "x" }).ended;
    expect(wrong.code).toBe(1);
    expect(JSON.parse(wrong.stderr)).toMatchObject({
      level: "error",
      message: expect.stringContaining(
        'CONFIG_INVALID: GODWIT_PORT is a whole number from 0 to 65535, not "x".',
      ),
    });
    const nowhere = await start("runner", {}).ended;
    expect([nowhere.code, nowhere.stderr.split("\n").length]).toEqual([1, 2]);
    expect(nowhere.stderr).toContain("CONFIG_INVALID: a runner needs the address of its coordinator");
  });
});

describe("a coordinator is not started", () => {
  test.each<[string, readonly string[], Env, string]>([
    ["open to all", ["--host", "0.0.0.0", "--auth", "open"], {}, "without keys, 0.0.0.0 is open to all"],
    ["with a port that is none", ["--port", "80x"], {}, '--port takes a whole number from 0 on, not "80x"'],
    ["with blobs nowhere", ["--port", "0", "--blobs", "s4://x"], {}, '"s4://x" is no place for blobs'],
    ["with half a key", ["--port", "0"], { GODWIT_SIGNING_KEY: "c2hvcnQ=" }, "has 5 bytes, and needs 32"],
    [
      "on somebody else's address",
      ["--host", "203.0.113.7", "--port", "0"],
      {},
      "no address of this machine",
    ],
    ["with flags of a runner", ["--slots", "4"], {}, "--slots is a flag of `godwit start runner`"],
  ])("%s", async (_, flags, env, message) => {
    const { code, stdout, stderr } = await workspace.run(["start", "coordinator", ...flags], { env });
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(message)]);
  });

  test("on a port that is taken", async () => {
    const { endpoint } = await startCoordinator();
    const { port } = new URL(endpoint);
    const { code, stderr } = await workspace.run(["start", "coordinator", "--port", port]);
    expect([code, stderr]).toEqual([7, expect.stringContaining(`PORT_IN_USE: port ${port} is taken`)]);
  });
});

describe("a runner is not started", () => {
  test("without an address, or with two ways to say what it serves", async () => {
    const nowhere = await workspace.run(["start", "runner"]);
    expect([nowhere.code, nowhere.stderr]).toEqual([
      2,
      expect.stringContaining("address of its coordinator"),
    ]);
    const coordinator = await startCoordinator();
    const args = [
      "start",
      "runner",
      "--endpoint",
      coordinator.endpoint,
      "--pools",
      "a",
      "--environments",
      "b",
    ];
    const both = await workspace.run(args, { env: await coordinator.createKey("runners") });
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("exclude each other")]);
  });
});
