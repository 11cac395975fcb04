import { spawn } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Ended, startDev, Workspace } from "./godwit.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

const SCRIPT = `
import { File, run, TaskEnvironment } from "godwit";
const env = new TaskEnvironment({ name: "mail" });
export const send = env.task(async function send({ to, text = "" }: { to: string; text?: string }) {
  return { to, at: process.pid, length: text.length, echo: text };
});
export const read = env.task(async function read(file: File) {
  return (await file.text()).length;
});
if (import.meta.main) {
  const started = await run(send, { to: "ana", text: "x".repeat(Number(process.argv[2] ?? 1)) });
  const { at, length, echo } = await started.result();
  const file = await run(read, await File.fromBytes("hello"));
  console.log(JSON.stringify({ id: started.id, isHere: at === process.pid, length, echo: echo.length, file: await file.result() }));
}
`;

let workspace: Workspace;
beforeEach(() => {
  workspace = new Workspace({ "mail.ts": SCRIPT });
  mkdirSync(join(workspace.path, "node_modules"));
  symlinkSync(REPOSITORY, join(workspace.path, "node_modules/godwit"), "junction");
});
afterEach(() => workspace.remove());

/** Runs \`node mail.ts\`. */
function runScript(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(GODWIT_|VITEST|NODE_OPTIONS|CI$)/.test(name),
  );
  const child = spawn(process.execPath, ["--conditions=source", "mail.ts", ...args], {
    cwd: workspace.path,
    env: { ...Object.fromEntries(inherited), ...env },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text: Buffer) => {
    stdout += text.toString();
  });
  child.stderr.on("data", (text: Buffer) => {
    stderr += text.toString();
  });
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}

interface Told {
  readonly id: string;
  readonly isHere: boolean;
  readonly length: number;
  readonly echo: number;
  readonly file: number;
}

describe("a script that starts runs", () => {
  test("executes them itself where no endpoint is configured, at the place that is", async () => {
    workspace.write({ ".godwit/config.yaml": "project: search\ndomain: staging\n" });
    const ended = await runScript({});
    expect([ended.code, ended.stderr]).toEqual([0, ""]);
    const told = JSON.parse(ended.stdout) as Told;
    expect(told).toMatchObject({ isHere: true, length: 1, file: 5 });
    const run = await workspace.json<{ project: string; domain: string }>(["get", "run", told.id]);
    expect([run.project, run.domain]).toEqual(["search", "staging"]);
  });

  test("starts them on the configured endpoint, in the configured project", async () => {
    const dev = await startDev(workspace);
    try {
      const env = { GODWIT_ENDPOINT: dev.endpoint, GODWIT_PROJECT: "search", GODWIT_DATA_DIR: "unused" };
      const missing = await runScript(env);
      expect(missing.code).not.toBe(0);
      expect(missing.stderr).toContain("TASK_NOT_FOUND");
      expect(missing.stderr).toContain("Deploy its file there with `godwit deploy <file>`");
      const deployed = await workspace.run(["deploy", "mail.ts"], { env });
      expect([deployed.code, deployed.stderr]).toEqual([0, expect.anything()]);
      // Too large to stay inline: it travels through the blob store, there and back.
      const ended = await runScript(env, "200000");
      expect([ended.code, ended.stderr]).toEqual([0, ""]);
      const told = JSON.parse(ended.stdout) as Told;
      expect(told).toMatchObject({ isHere: false, length: 200_000, echo: 200_000, file: 5 });
      const [run] = await workspace.json<{ project: string }[]>(["get", "runs", "--limit", "1"], { env });
      expect(run?.project).toBe("search");
      expect(existsSync(join(workspace.path, "unused"))).toBe(false);
    } finally {
      await dev.stop();
    }
  });

  test("is told what is wrong with the configuration", async () => {
    workspace.write({ ".godwit/config.yaml": "endpoint: nowhere\n" });
    const ended = await runScript({});
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toContain(`config.yaml:1: \`endpoint\` is "nowhere"`);
  });
});
