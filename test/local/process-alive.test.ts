import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { isAlive } from "../../src/local/process-alive.ts";

test("a process that runs is alive, one that has ended is not", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"]);
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  expect(isAlive(pid)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isAlive(pid)).toBe(false);
  expect(isAlive(process.pid)).toBe(true);
});

test.skipIf(!existsSync("/proc/self/stat"))("a process that nobody has reaped is not alive", async () => {
  // The shell becomes a sleeper before its child ends, and a sleeper waits for nobody.
  const parent = spawn("sh", ["-c", "sleep 0.3 & echo $!; exec sleep 30"]);
  try {
    const [chunk] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(chunk.toString().trim());
    await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
    // It is still there for whoever asks the plain way.
    expect(process.kill(pid, 0)).toBe(true);
  } finally {
    parent.kill("SIGKILL");
  }
});
