import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLocalBlobs } from "../../adapters/local/blobs.ts";
import type { ActionDetail, ActionSummary } from "../../src/client/api.ts";
import { createCoordinator } from "../../src/coordinator/app.ts";
import { createApiKey } from "../../src/coordinator/auth/api-keys.ts";
import { type LocalSystem, openLocal } from "../../src/local/system.ts";
import { BLOBS_PATH, listenFirst, serveFolder } from "../../src/server/folder-blobs.ts";
import type { Listening } from "../../src/server/listen.ts";
import { type RunningRunner, startRunner } from "../../src/server/runner.ts";
import { Workspace } from "../cli/godwit.ts";

/** Ends several times while the task below goes on. */
const TOKEN_MS = 1_000;

const TASKS = `
import { TaskEnvironment } from "godwit";

const env = new TaskEnvironment({ name: "long" });
export const wait = env.task(async function wait({ ms }: { ms: number }) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return process.pid;
});
export const block = env.task(async function block({ ms }: { ms: number }) {
  for (const endMs = Date.now() + ms; Date.now() < endMs; );
  return process.pid;
});
export const main = env.task(async function main() {
  const waited = await wait({ ms: ${3 * TOKEN_MS} });
  const blocked = await block({ ms: ${3 * TOKEN_MS} });
  return new Set([process.pid, waited, blocked]).size;
});
`;

let workspace: Workspace;
let system: LocalSystem;
let server: Listening;
let runner: RunningRunner;
const key = async (...scopes: Parameters<typeof createApiKey>[1]["scopes"][number][]): Promise<string> =>
  (await createApiKey(system.core, { name: "k", scopes })).key;

beforeEach(async () => {
  workspace = new Workspace({ "long.ts": TASKS });
  system = await openLocal({ dataDir: join(workspace.path, "data") });
  const listening = await listenFirst({ port: 0 });
  server = listening.server;
  const signing = { baseUrl: server.url + BLOBS_PATH, secret: "a secret" };
  const store = openLocalBlobs({ folder: system.folder.blobs, signing });
  const coordinator = createCoordinator({
    core: system.core,
    auth: { mode: "keys" },
    signingKey: new Uint8Array(32).fill(7),
    blobs: store,
    limits: { runnerTokenMs: TOKEN_MS },
  });
  serveFolder(coordinator, { store, signing, nowMs: Date.now });
  listening.app.resolve(coordinator);
  system.startTicking();
  runner = await startRunner(
    { endpoint: server.url, apiKey: await key("runners"), processes: 1 },
    { onDeath: () => undefined, onOutput: () => undefined },
  );
});
afterEach(async () => {
  await runner?.stop();
  await server.close();
  await system.close();
  workspace.remove();
});

test("tokens that end while a parent is held, and while a task blocks its process, interrupt neither", async () => {
  const env = { GODWIT_TOKEN: await key("runs:read", "runs:write", "tasks:deploy") };
  const at = ["--endpoint", server.url];
  const args = ["run", "long.ts", "main", "--suspend", "never", ...at];
  const { run, outcome } = await workspace.json<{ run: string; outcome: { value: number } }>(args, { env });
  expect(outcome.value).toBe(1);
  const actions = await workspace.json<ActionSummary[]>(["get", "actions", run, ...at], { env });
  expect(actions).toHaveLength(3);
  for (const { id } of actions) {
    const detail = await workspace.json<ActionDetail>(["get", "action", run, id, ...at], { env });
    expect([detail.task, detail.attempts.map(({ end }) => end)]).toEqual([detail.task, ["succeeded"]]);
  }
});
