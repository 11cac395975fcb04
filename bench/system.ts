import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { registry } from "godwit";
import "./tasks.ts";
import { createCoordinator } from "../src/coordinator/app.ts";
import { issueRunnerToken } from "../src/coordinator/auth/runner-token.ts";
import { EngineCore } from "../src/engine/core.ts";
import { directTransport } from "../src/engine/direct.ts";
import { startTicker } from "../src/engine/ticker.ts";
import { systemClock } from "../src/ports/clock.ts";
import { systemRandom } from "../src/ports/random.ts";
import { Runner } from "../src/runner/runner.ts";
import { insertDeployment, type TaskRow, wholeDeployment } from "../src/store/deployments.ts";
import { openStore } from "../src/store/open.ts";
import { startPostgres } from "../test/setup/postgres.ts";

export interface SystemOptions {
  readonly store: "sqlite" | "postgres";
  readonly transport: "inproc" | "http";
  /** Runner processes with `http`. */
  readonly runners: number;
}

export interface System {
  readonly core: EngineCore;
  readonly endpoint: string | null;
  readonly pids: readonly number[];
  close(): Promise<void>;
}

/** A whole Godwit with durable storage: the store on disk and synced, and runners here or in processes of their own. */
export async function openSystem(options: SystemOptions): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), "godwit-bench-"));
  const closing: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })];
  const location = await storeLocation(options, folder, closing);
  const driver = await openStore(location);
  closing.unshift(() => driver.close());
  const core = new EngineCore({ driver, clock: systemClock, random: systemRandom });
  const unwatch = driver.watch((topic) => (topic === "*" ? core.hub.notifyAll() : core.hub.notify(topic)));
  const ticker = startTicker(core, (error) => console.error("tick failed", error));
  closing.unshift(() => ticker.stop(), unwatch);
  await driver.transaction((sql) =>
    insertDeployment(sql, wholeDeployment({ id: "bench", nowMs: Date.now() }), tasks()),
  );
  const { endpoint, pids } =
    options.transport === "http"
      ? await startHttp(core, options.runners, closing)
      : startInproc(core, closing);
  return {
    core,
    endpoint,
    pids,
    async close() {
      for (const step of closing) await step();
    },
  };
}

function tasks(): TaskRow[] {
  return registry.list().map(({ name }) => ({
    ...{
      deployment: "bench",
      name,
      description: null,
      input_schema: null,
      output_schema: null,
      options: "{}",
    },
    code_hash: null,
  }));
}

async function storeLocation(
  options: SystemOptions,
  folder: string,
  closing: (() => unknown)[],
): Promise<string> {
  if (options.store === "sqlite") return folder;
  const given = process.env["GODWIT_DATABASE_URL"];
  if (given !== undefined && given !== "") return given;
  const server = await startPostgres({ fsync: true });
  closing.unshift(() => server.stop());
  return server.url;
}

function startInproc(core: EngineCore, closing: (() => unknown)[]): { endpoint: null; pids: number[] } {
  const tasks = {
    find: async (_deployment: string, task: string) => {
      const found = registry.get(task);
      if (found === undefined) throw new Error(`no task ${task}`);
      return found;
    },
  };
  const at = { backend: "bench", host: hostname(), pid: process.pid };
  const runner = new Runner({ transport: directTransport(core), tasks, pools: ["*"], ...at });
  runner.start();
  closing.unshift(() => runner.stop({ graceMs: 1_000 }));
  return { endpoint: null, pids: [] };
}

async function startHttp(
  core: EngineCore,
  count: number,
  closing: (() => unknown)[],
): Promise<{ endpoint: string; pids: number[] }> {
  const signingKey = randomBytes(32);
  const app = createCoordinator({ core, auth: { mode: "open" }, signingKey });
  const endpoint = await new Promise<string>((resolve) => {
    const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
      resolve(`http://127.0.0.1:${port}`),
    );
    closing.unshift(
      () =>
        new Promise<void>((done) => {
          if ("closeAllConnections" in server) server.closeAllConnections();
          server.close(() => done());
        }),
    );
  });
  const children: ChildProcess[] = [];
  for (let i = 0; i < count; i++) {
    const id = `w${systemRandom.id()}`;
    const token = await issueRunnerToken(signingKey, {
      subject: id,
      pools: ["*"],
      id,
      nowMs: Date.now(),
      ttlMs: 3_600_000,
    });
    const child = fork(new URL("./runner-child.ts", import.meta.url), [endpoint, token, id], {
      execArgv: ["--conditions=source"],
    });
    children.push(child);
    await new Promise((resolve) => child.once("message", resolve));
  }
  closing.unshift(async () => {
    for (const child of children) child.kill("SIGKILL");
  });
  return { endpoint, pids: children.flatMap(({ pid }) => pid ?? []) };
}
