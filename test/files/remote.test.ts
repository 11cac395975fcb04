import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openRemoteBlobs, runnerBlobs } from "../../adapters/remote/open.ts";
import { GodwitClient } from "../../src/client/client.ts";
import { httpTransport } from "../../src/client/transport.ts";
import { issueRunnerToken } from "../../src/coordinator/auth/runner-token.ts";
import { MAX_INLINE_BYTES } from "../../src/core/value/stored.ts";
import { configureBlobs, configureRuns, Dir, File, run, TaskEnvironment } from "../../src/index.ts";
import { remoteStarter } from "../../src/runner/remote-starter.ts";
import { Runner } from "../../src/runner/runner.ts";
import { ValueStore } from "../../src/runner/values.ts";
import { registry } from "../../src/sdk/registry.ts";
import { startServer, type TestServer } from "../client/server.ts";
import { type BlobFolder, openBlobFolder } from "../coordinator/blob-folder.ts";
import { deploy, keyFor, openSystem, SIGNING_KEY, type System } from "../coordinator/system.ts";

const env = new TaskEnvironment({ name: "remote-files" });
const large = (of: string): string => of.repeat(64 * MAX_INLINE_BYTES);

const write = env.task(async function write({ text }: { text: string }) {
  return { file: await File.fromBytes(text, { name: "note.txt" }), text: large(text) };
});
const pack = env.task(async function pack({ folder }: { folder: string }) {
  return Dir.fromPath(folder);
});
const main = env.task(async function main({ input, given }: { input: string; given: File }) {
  // Children that their parent's runner starts itself: the coordinator hears of their leases a little later.
  const made = await Promise.all(["a", "b", "c"].map((text) => write({ text })));
  const texts = await Promise.all(made.map(({ file }) => file.text()));
  return {
    texts,
    given: await given.text(),
    echo: input,
    sizes: made.map(({ text }) => text.length),
    kept: await File.fromBytes(`${input.length} characters`),
  };
});

let folder: string;
let server: TestServer;
let system: System;
let blobs: BlobFolder;
let runner: Runner;
/** The key of a client, by project. */
const keys = new Map<string, string>();
/** What the coordinator was sent, and what the blob store. */
let sent: { path: string; bytes: number }[];

async function clientOf(project: string): Promise<GodwitClient> {
  const { endpoint } = server;
  const token = keys.get(project) ?? "";
  const values = new ValueStore({
    blobs: (user) => openRemoteBlobs({ endpoint, token, project: user.project }),
  });
  const client = new GodwitClient({ endpoint, token });
  configureRuns(remoteStarter(client, { values }));
  configureBlobs(() => openRemoteBlobs({ endpoint, token }));
  return client;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "godwit-remote-files-"));
  sent = [];
  let answer: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 503 });
  server = await startServer((request) => {
    const { pathname } = new URL(request.url);
    sent.push({ path: pathname, bytes: Number(request.headers.get("content-length") ?? 0) });
    return pathname.startsWith("/blobs/") ? blobs.fetch(request) : answer(request);
  });
  const { endpoint } = server;
  blobs = await openBlobFolder(Date.now, `${endpoint}/blobs`);
  system = await openSystem({ auth: { mode: "keys" }, blobs: blobs.store, limits: { rate: null } });
  answer = (request) => system.app.fetch(request);
  for (const project of ["default", "search"]) {
    const headers = await keyFor(system, ["runs:read", "runs:write"], { project });
    keys.set(project, headers["Authorization"]?.slice("Bearer ".length) ?? "");
    await deploy(system, {
      id: `d-${project}`,
      project,
      tasks: registry.list().map(({ name }) => ({ name })),
    });
  }
  const token = await issueRunnerToken(SIGNING_KEY, {
    ...{ subject: "runner-1", pools: ["*"], id: "t" },
    ...{ nowMs: Date.now(), ttlMs: 600_000 },
  });
  runner = new Runner({
    id: "runner-1",
    transport: httpTransport({ endpoint, token }),
    tasks: { find: async (_, task) => registry.get(task) },
    blobs: runnerBlobs({ endpoint, token }),
    pools: ["*"],
    ...{ backend: "local", host: "here", pid: process.pid },
    pollMs: 200,
  });
  runner.start();
});

afterAll(async () => {
  configureRuns(undefined);
  configureBlobs(undefined);
  await runner.stop({ graceMs: 0 });
  await server.kill();
  await system.close();
  await blobs.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  sent.length = 0;
});

describe("a run on a coordinator", () => {
  it("takes large values and files, and gives them, without sending them through the coordinator", async () => {
    for (const project of ["default", "search"]) {
      await clientOf(project);
      const given = await File.fromBytes("brought along");
      const result = await (await run(main, { input: large("i"), given })).result();
      expect(result).toMatchObject({
        texts: ["a", "b", "c"],
        given: "brought along",
        echo: large("i"),
        sizes: ["a", "b", "c"].map((text) => large(text).length),
      });
      expect(await result.kept.text()).toBe(`${large("i").length} characters`);
      const { blobs: listed } = await blobs.store.list({ prefix: `projects/${project}/sha256/` });
      // Files: what was brought, three notes, one kept. Values: the input, three of the children, the result.
      expect(listed).toHaveLength(10);
    }
    expect((await blobs.store.list()).blobs).toHaveLength(20);
    const toCoordinator = sent.filter(({ path }) => !path.startsWith("/blobs/"));
    expect(Math.max(...toCoordinator.map(({ bytes }) => bytes))).toBeLessThan(MAX_INLINE_BYTES);
    expect(Math.max(...sent.map(({ bytes }) => bytes))).toBeGreaterThan(large("i").length);
  });

  it("packs and unpacks folders", async () => {
    await clientOf("default");
    const from = join(folder, "from");
    await mkdir(from);
    for (let at = 0; at < 200; at++) await writeFile(join(from, `f${at}`), String(at));
    const dir = await (await run(pack, { folder: from })).result();
    await dir.download(join(folder, "to"));
    expect((await readdir(join(folder, "to"))).length).toBe(200);
    expect(await readFile(join(folder, "to", "f199"), "utf8")).toBe("199");
    expect((await Dir.fromPath(join(folder, "to"))).hash).toBe(dir.hash);
  });

  it("does not give the files of one project to another", async () => {
    await clientOf("default");
    const given = await File.fromBytes("mine");
    const client = await clientOf("search");
    await expect(given.text()).rejects.toMatchObject({ code: "FORBIDDEN" });
    const { id } = await run(main, { input: "i", given });
    const { outcome } = await client.getResult(id, { wait: "20s" });
    expect(outcome).toMatchObject({ ok: false, error: { code: "FORBIDDEN" } });
  });

  it("says which value is lost when its result is gone", async () => {
    const client = await clientOf("default");
    const started = await run(write, { text: "z" });
    await started.wait();
    const { blobs: listed } = await blobs.store.list({ prefix: "projects/default/sha256/" });
    const [lost] = listed.filter(({ sizeBytes }) => sizeBytes > large("z").length);
    for (const { key } of listed) await blobs.store.delete({ key });
    expect(lost).toBeDefined();
    const failure = {
      code: "VALUE_LOST",
      message: expect.stringMatching(/result of .*SHA-256 [0-9a-f]{64}/),
    };
    await expect(client.getResult(started.id)).rejects.toMatchObject(failure);
    await expect(started.result()).rejects.toMatchObject(failure);
  });
});
