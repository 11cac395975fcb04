import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildBundle } from "../../src/bundle/build.ts";
import { GodwitClient } from "../../src/client/client.ts";
import { httpTransport } from "../../src/client/transport.ts";
import { issueRunnerToken } from "../../src/coordinator/auth/runner-token.ts";
import { bundleTasks } from "../../src/runner/bundles.ts";
import { remoteStarter } from "../../src/runner/remote-starter.ts";
import { Runner } from "../../src/runner/runner.ts";
import { leaseHeaders } from "../../src/runner/session-requests.ts";
import { configureRuns } from "../../src/sdk/starter.ts";
import { Project } from "../bundle/project.ts";
import { startServer } from "../client/server.ts";
import { deploy, keyFor, openSystem, SIGNING_KEY, type System } from "../coordinator/system.ts";

/** A coordinator that asks for keys, and a runner that has nothing but its token and the bundles it fetches. */
export interface Place {
  readonly system: System;
  /** With an API key of an administrator. */
  readonly client: GodwitClient;
  /** Bundles a file that lies alone in a project of its own, and deploys the environment it defines. */
  deploy(environment: string, version: string, code: string): Promise<void>;
  close(): Promise<void>;
}

export async function openPlace(): Promise<Place> {
  const system = await openSystem({ auth: { mode: "keys" } });
  const server = await startServer((request) => system.app.fetch(request));
  const { endpoint } = server;
  const dir = mkdtempSync(join(tmpdir(), "godwit-bundles-"));
  const bundles = new Map<string, Uint8Array>();
  const token = await issueRunnerToken(SIGNING_KEY, {
    subject: "runner-1",
    pools: ["*"],
    id: "t1",
    nowMs: Date.now(),
    ttlMs: 3_600_000,
  });
  const tasks = bundleTasks({ dir, fetch: async (hash) => bundles.get(hash) ?? new Uint8Array() });
  const runner = new Runner({
    id: "runner-1",
    transport: httpTransport({ endpoint, token }),
    tasks,
    pools: ["*"],
    backend: "local",
    host: "test",
    pid: process.pid,
  });
  configureRuns(remoteStarter(new GodwitClient({ endpoint, token, headers: leaseHeaders })));
  runner.start();
  const { Authorization = "" } = await keyFor(system, ["admin"]);
  return {
    system,
    client: new GodwitClient({ endpoint, token: Authorization.replace("Bearer ", "") }),
    async deploy(environment, version, code) {
      const project = new Project({ "tasks.ts": code });
      const bundle = await buildBundle(project.file("tasks.ts"));
      project.remove();
      bundles.set(bundle.hash, new TextEncoder().encode(bundle.code));
      const defined = (await tasks.load(bundle.hash)).list();
      await deploy(system, {
        id: `${environment}-${version}`,
        environment,
        version,
        bundle: bundle.hash,
        tasks: defined.map(({ name, options }) => ({ name, options })),
      });
    },
    async close() {
      configureRuns(undefined);
      await runner.stop({ graceMs: 0 });
      await server.kill();
      await system.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
