import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { GodwitClient } from "../../src/client/client.ts";
import { httpTransport } from "../../src/client/transport.ts";
import { localStarter } from "../../src/local/index.ts";
import { remoteStarter } from "../../src/runner/remote-starter.ts";
import { Runner } from "../../src/runner/runner.ts";
import { registry } from "../../src/sdk/registry.ts";
import { remote } from "../../src/sdk/remote.ts";
import { run } from "../../src/sdk/run.ts";
import { configureRuns } from "../../src/sdk/starter.ts";
import { createHarness } from "../../src/testing/harness.ts";
import { startServer } from "../client/server.ts";
import { deploy, openSystem } from "../coordinator/system.ts";
import { type OpenStarter, starterContract } from "./contract.ts";
import type { add } from "./tasks.ts";

describe("the engine of this machine", () => {
  starterContract(async (): Promise<OpenStarter> => {
    const dataDir = mkdtempSync(join(tmpdir(), "godwit-starter-"));
    const starter = await localStarter({ dataDir });
    return { starter, close: async () => rmSync(dataDir, { recursive: true, force: true }) };
  });
});

describe("a harness", () => {
  starterContract(async (): Promise<OpenStarter> => {
    const harness = await createHarness({ clock: "real" });
    return { starter: harness.starter, close: () => harness.close() };
  });
});

describe("a coordinator", () => {
  starterContract(async (): Promise<OpenStarter> => {
    const system = await openSystem();
    const tasks = registry.list().filter(({ environment }) => environment.name === "starters");
    await deploy(system, {
      environment: "starters",
      tasks: tasks.map(({ name, options }) => ({ name, options })),
    });
    const server = await startServer((request) => system.app.fetch(request));
    const { endpoint } = server;
    const runner = new Runner({
      transport: httpTransport({ endpoint }),
      tasks: { find: async (_, task) => registry.get(task) },
      pools: ["*"],
      backend: "local",
      host: "test",
      pid: process.pid,
    });
    runner.start();
    return {
      starter: remoteStarter(new GodwitClient({ endpoint })),
      close: async () => {
        await runner.stop({ graceMs: 0 });
        await server.kill();
        await system.close();
      },
    };
  });
});

describe("an override of a remote task", () => {
  afterEach(() => configureRuns(undefined));

  test("changes what it says and leaves the rest as it was deployed", async () => {
    const harness = await createHarness();
    configureRuns(harness.starter);
    const changed = remote.task<typeof add>("starters.add").override({ retries: 2 });
    const started = await run(changed, { a: 1, b: 2 });
    const [root] = await harness.runOf(started.id).actions();
    expect(JSON.parse(root?.options ?? "")).toEqual({ priority: 1, retries: { count: 2 } });
    await harness.close();
  });
});
