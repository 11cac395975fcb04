import { afterAll, describe, expect, test } from "vitest";
import { HARMFUL, startDev, Workspace } from "./godwit.ts";

const workspace = new Workspace({ "bad.ts": HARMFUL });

afterAll(() => workspace.remove());

const newest = async (...flags: string[]) => {
  const [run] = await workspace.json<{ id: string; phase: string }[]>([
    "get",
    "runs",
    "--limit",
    "1",
    ...flags,
  ]);
  return run ?? { id: "", phase: "none" };
};

describe("Ctrl-C", () => {
  test.each<[NodeJS.Signals, number]>([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])("on a run of this machine (%s) aborts it", async (signal, code) => {
    const started = workspace.start(["run", "bad.ts", "nap"]);
    await started.printed(/nap {2}started/);
    started.child.kill(signal);
    const ended = await started.ended;
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: "" });
    expect(ended.stderr).toContain("aborting the run");
    expect(await newest()).toMatchObject({ phase: "aborted" });
  });

  test("on a run that does not react forces the end the second time, and the run is aborted all the same", async () => {
    const started = workspace.start(["run", "bad.ts", "parent", "--call", "leak"]);
    await started.printed(/parent {2}started/);
    started.child.kill("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 200));
    started.child.kill("SIGINT");
    expect((await started.ended).code).toBe(130);
    expect(await newest()).toMatchObject({ phase: "aborted" });
  });

  test("while a file is being loaded ends at once", async () => {
    workspace.write({
      "slow.ts": 'console.error("loading");\nawait new Promise((resolve) => setTimeout(resolve, 60_000));\n',
    });
    const started = workspace.start(["run", "slow.ts", "x"]);
    await started.printed(/loading/);
    started.child.kill("SIGINT");
    expect((await started.ended).code).toBe(130);
  });

  test("on a run of a coordinator stops the watching, not the run", async () => {
    const dev = await startDev(workspace, ["--data-dir", "dev-data"]);
    const flags = ["--endpoint", dev.endpoint];
    const started = workspace.start(["run", "bad.ts", "nap", ...flags]);
    await started.printed(/nap {2}started/);
    started.child.kill("SIGINT");
    const ended = await started.ended;
    expect(ended.code).toBe(130);
    const { id, phase } = await newest(...flags);
    expect(phase).toBe("running");
    expect(ended.stderr).toContain(`the run goes on. \`godwit abort ${id}\` stops it.`);
    expect((await workspace.run(["abort", id, "--reason", "enough", ...flags])).code).toBe(0);
    expect(await newest(...flags)).toMatchObject({ phase: "aborted" });
    const stopped = await dev.stop();
    expect(stopped.code).toBe(0);
    expect(stopped.stderr).toContain("stopping");
  });
});

describe("a run whose process was killed", () => {
  test("goes on with `godwit resume`", async () => {
    const started = workspace.start(["run", "bad.ts", "ask", "-o", "json"], {
      env: { GODWIT_NO_GUARD: "1" },
    });
    await started.printed(/release {2}paused {2}waits for an answer: `godwit signal r\w+ release <value>`/);
    started.child.kill("SIGKILL");
    await started.ended;
    const { id } = await newest();
    expect((await workspace.run(["signal", id, "release", '"go"'])).code).toBe(0);
    const resumed = await workspace.run(["resume", id]);
    expect({ code: resumed.code, stdout: resumed.stdout }).toEqual({ code: 0, stdout: '"go"\n' });
  });
});
