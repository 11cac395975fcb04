import { execFile } from "node:child_process";
import { symlinkSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Ended, startDev, Workspace } from "./godwit.ts";

const CODE = `
import { condition, remote, run, TaskEnvironment } from "godwit";

const env = new TaskEnvironment({ name: "served" });

export const shout = env.task(async function shout({ text }: { text: string }) {
  console.log("shouting");
  return text.toUpperCase();
});
export const outer = env.task(async function outer({ text }: { text: string }) {
  return (await shout({ text })) + "!";
});
export const fail = env.task(async function fail() {
  throw new TypeError("no");
});
export const relay = env.task(async function relay({ text }: { text: string }) {
  const started = await run(shout, { text });
  const far = remote.task<typeof shout>("served.shout");
  return (await started.result()) + " " + (await far({ text }));
});
export const ask = env.task(async function ask() {
  return condition({ name: "release" });
});
`;

const workspace = new Workspace({ "served.ts": CODE });
let flags: string[] = [];
let stop: () => Promise<Ended>;

beforeAll(async () => {
  const dev = await startDev(workspace);
  flags = ["--endpoint", dev.endpoint];
  stop = dev.stop;
});

afterAll(async () => {
  await stop();
  workspace.remove();
});

describe("godwit dev", () => {
  test("runs what is uploaded, and gives the same result and logs as this machine", async () => {
    const remote = await workspace.run(["run", "served.ts", "outer", "--text", "hi", ...flags]);
    const local = await workspace.run([
      "run",
      "served.ts",
      "outer",
      "--text",
      "hi",
      "--data-dir",
      "local-data",
    ]);
    expect(remote).toMatchObject({ code: 0, stdout: '"HI!"\n' });
    expect(local).toMatchObject({ code: 0, stdout: remote.stdout });
    expect(remote.stderr).toContain("shout │ shouting");
  });

  test("lets a task start runs and call tasks by their names", async () => {
    const relayed = await workspace.run(["run", "served.ts", "relay", "--text", "hi", ...flags]);
    expect(relayed).toMatchObject({ code: 0, stdout: '"HI HI"\n' });
    const runs = await workspace.json<{ task: string; createdBy: string | null }[]>([
      "get",
      "runs",
      ...flags,
    ]);
    const [relay] = runs.filter(({ task }) => task === "served.relay");
    expect(relay).toMatchObject({ createdBy: null });
    expect(runs.find(({ createdBy }) => createdBy?.startsWith("run:"))).toMatchObject({
      task: "served.shout",
    });
  });

  test("shows failures with frames of the user's own files", async () => {
    const { code, stderr } = await workspace.run(["run", "served.ts", "fail", ...flags]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/served\.fail threw TypeError: no\n {4}at fail \(served\.ts:14:9\)/);
  });

  test("starts runs that nobody waits for, and takes answers", async () => {
    const { stdout } = await workspace.run(["run", "served.ts", "ask", "--detach", ...flags]);
    const run = stdout.trim();
    for (let open: unknown[] = []; open.length === 0; )
      open = await workspace.json(["get", "conditions", run, ...flags]);
    expect((await workspace.run(["signal", run, "nope", "1", ...flags])).code).toBe(3);
    expect((await workspace.run(["signal", run, "release", "1", ...flags])).code).toBe(0);
    expect((await workspace.run(["signal", run, "release", "2", ...flags])).code).toBe(7);
    const { stderr } = await workspace.run(["logs", run, "--follow", ...flags]);
    expect(stderr).toBe("");
    expect(await workspace.json(["get", "run", run, ...flags])).toMatchObject({ phase: "succeeded" });
  });

  test("recovers and forks runs", async () => {
    const first = await workspace.json<{ run: string }>([
      "run",
      "served.ts",
      "outer",
      "--text",
      "a",
      ...flags,
    ]);
    const recovered = await workspace.run(["recover", first.run, ...flags]);
    expect(recovered).toMatchObject({ code: 0, stdout: '"A!"\n' });
    expect(recovered.stderr).toContain("1 recovered");
    workspace.write({ "served.ts": CODE.replace('+ "!"', '+ "?"') });
    const forked = await workspace.run(["fork", first.run, "served.ts", ...flags]);
    expect(forked).toMatchObject({ code: 0, stdout: '"A?"\n' });
  });

  test("refuses a port that is taken", async () => {
    const port = new URL(flags[1] ?? "").port;
    const { code, stderr } = await workspace.run(["dev", "--port", port, "--data-dir", "other"]);
    expect(code).toBe(7);
    expect(stderr).toContain(`error PORT_IN_USE: port ${port} is taken by another process`);
  });

  test.each([
    ["--port", "http"],
    ["--port", "70000"],
    ["--runners", "-1"],
  ])("refuses %s %s", async (flag, value) => {
    const { code, stderr } = await workspace.run(["dev", flag, value]);
    expect(code).toBe(2);
    expect(stderr).toContain(`FLAG_INVALID: ${flag} takes a whole number`);
  });

  test("is well, says the doctor", async () => {
    const findings = await workspace.json<{ name: string; state: string }[]>(["doctor", ...flags]);
    expect(findings.map(({ name }) => name)).toEqual([
      "node",
      "bundler",
      "config",
      "store",
      "disk",
      "endpoint",
      "clock",
    ]);
    expect(findings.filter(({ state }) => state === "failed")).toEqual([]);
  });
});

describe("godwit doctor", () => {
  test("ends with 5 when something cannot be reached", async () => {
    const { code, stdout } = await workspace.run(["doctor", "--endpoint", "http://127.0.0.1:9"]);
    expect(code).toBe(5);
    expect(stdout).toMatch(/✗ +endpoint +http:\/\/127\.0\.0\.1:9 cannot be reached/);
  });
});

describe("godwit init", () => {
  test("makes a project that runs, and leaves alone what is there", async () => {
    const project = `${workspace.path}/my-project`;
    expect((await workspace.run(["init", "my-project"])).code).toBe(0);
    const { code, stdout } = await workspace.run(["run", "hello.ts", "main", "--who", "Ana"], {
      cwd: project,
    });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: '"Hello, Ana!\\nHello, hello, Ana!\\nHello, hello, hello, Ana!"\n',
    });
    const again = await workspace.run(["init", "my-project"]);
    expect(again.stderr).toContain("kept hello.ts");
  });
});

describe("a script of the user's", () => {
  beforeAll(() => {
    workspace.write({ "node_modules/.keep": "" });
    symlinkSync(new URL("../..", import.meta.url).pathname, `${workspace.path}/node_modules/godwit`);
  });

  /** What the script prints. */
  function execute(script: string, code: string, variables: Record<string, string>): Promise<string> {
    workspace.write({ [script]: code });
    return new Promise((resolve, reject) => {
      const args = ["--conditions=source", script];
      const env = { ...process.env, ...variables };
      execFile(process.execPath, args, { cwd: workspace.path, env }, (error, out) =>
        error ? reject(error) : resolve(out),
      );
    });
  }

  test("runs tasks without a server and ends when it is done", async () => {
    const code = `
import { run, TaskEnvironment } from "godwit";
const env = new TaskEnvironment({ name: "script" });
const twice = env.task(async function twice(n: number) { return 2 * n; });
const main = env.task(async function main(n: number) { return (await twice(n)) + 1; });
const started = await run(main, 4, { labels: { from: "script" } });
console.log(JSON.stringify({ id: started.id, result: await started.result() }));
`;
    const stdout = await execute("script.ts", code, { GODWIT_DATA_DIR: "script-data" });
    const { id, result } = JSON.parse(stdout) as { id: string; result: number };
    expect(result).toBe(9);
    expect(await workspace.json(["get", "run", id, "--data-dir", "script-data"])).toMatchObject({
      phase: "succeeded",
      labels: { from: "script" },
    });
  });

  test("calls deployed tasks by their names, and finds runs, where an endpoint is configured", async () => {
    await workspace.run(["run", "served.ts", "shout", "--text", "first", ...flags]);
    const code = `
import { remote } from "godwit";
const shout = remote.task<(input: { text: string }) => string>("served.shout");
console.log(await shout({ text: "from afar" }));
for await (const { id, phase } of remote.runs({ task: shout, limit: 1 })) {
  console.log(phase, await (await remote.run(id)).result());
}
await remote.task("served.nothing")(1).catch(({ code, hint }) => console.log(code, hint));
`;
    const stdout = await execute("far.ts", code, { GODWIT_ENDPOINT: flags[1] ?? "" });
    expect(stdout.split("\n")).toEqual([
      "FROM AFAR",
      "succeeded FROM AFAR",
      expect.stringMatching(/^TASK_NOT_FOUND It has served\.ask, .*served\.shout\.$/),
      "",
    ]);
  });
});
