import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Ended, HARMFUL, startDev, Workspace } from "./godwit.ts";

const workspace = new Workspace({ "bad.ts": HARMFUL });
const smallHeap = { NODE_OPTIONS: "--max-old-space-size=64" };
let endpoint = "";
let stopDev: () => Promise<Ended>;

beforeAll(async () => {
  const dev = await startDev(workspace, ["--heap", "64", "--data-dir", "dev-data"]);
  endpoint = dev.endpoint;
  stopDev = dev.stop;
});

afterAll(async () => {
  await stopDev();
  workspace.remove();
});

interface RunEnd {
  readonly run: string;
  readonly phase: string;
  readonly outcome: { readonly ok: boolean; readonly value?: unknown; readonly error?: Failure };
}
interface Failure {
  readonly code: string;
  readonly task: string;
  readonly message: string;
}

describe.each(["this machine", "godwit dev"])("on %s, a task that", (place) => {
  const at = (): string[] => (place === "this machine" ? [] : ["--endpoint", endpoint]);

  async function run(...args: string[]): Promise<{ code: number | null; end: RunEnd; stderr: string }> {
    const options = place === "this machine" ? { env: smallHeap } : {};
    const ended = await workspace.run(["run", "bad.ts", ...args, "-o", "json", ...at()], options);
    return { code: ended.code, end: JSON.parse(ended.stdout) as RunEnd, stderr: ended.stderr };
  }

  test("uses up the memory fails with the cause, and takes no other task with it", async () => {
    const { code, end, stderr } = await run("parent", "--call", "leak");
    expect(code).toBe(1);
    expect(end.outcome.error).toMatchObject({ code: "OUT_OF_MEMORY", task: "bad.leak" });
    expect(stderr).toContain("error OUT_OF_MEMORY: bad.leak used up the memory of its runner");
    expect(stderr).not.toContain("Last few GCs");
  });

  test("uses up the memory is caught by its parent", async () => {
    const { code, end } = await run("survivor", "--call", "leak");
    expect({ code, outcome: end.outcome }).toEqual({
      code: 0,
      outcome: { ok: true, value: "OUT_OF_MEMORY" },
    });
  });

  test("never gives up the event loop ends at its time limit", async () => {
    const { code, end } = await run("parent", "--call", "spin");
    expect(code).toBe(6);
    expect(end).toMatchObject({ phase: "timed_out" });
    expect(end.outcome.error).toMatchObject({ code: "TIME_LIMIT", task: "bad.spin" });
  });

  test("calls process.exit fails, and the process goes on", async () => {
    const { code, end } = await run("parent", "--call", "leave");
    expect(code).toBe(1);
    expect(end.outcome.error).toMatchObject({ code: "PROCESS_EXITED", task: "bad.leave" });
    expect(end.outcome.error?.message).toContain("process.exit(3)");
  });

  test("prints 50 MB succeeds, and a bounded part of it is kept", async () => {
    const { code, end } = await run("parent", "--call", "chat", "--no-logs");
    expect({ code, outcome: end.outcome }).toEqual({ code: 0, outcome: { ok: true, value: "said" } });
    const data = place === "this machine" ? [] : ["--data-dir", "dev-data"];
    const { stdout } = await workspace.run(["logs", end.run, ...data]);
    expect(stdout.length).toBeGreaterThan(100_000);
    expect(stdout.length).toBeLessThan(5_000_000);
    expect(stdout).toContain("more characters were printed and not kept");
  });
});
