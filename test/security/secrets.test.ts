import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openLocalSecrets } from "../../adapters/local/secrets.ts";
import { createCoordinator } from "../../src/coordinator/app.ts";
import { directTransport } from "../../src/engine/direct.ts";
import { watchEvents } from "../../src/engine/read.ts";
import { startRun } from "../../src/engine/start.ts";
import { ctx, registry, TaskEnvironment, trace } from "../../src/index.ts";
import { openLocal } from "../../src/local/system.ts";
import type { SecretSource } from "../../src/ports/secrets.ts";
import { captureConsole } from "../../src/runner/console.ts";
import { Runner } from "../../src/runner/runner.ts";
import { createHarness } from "../../src/testing/index.ts";

const KEY = "sk-live-7Zr9-Qw3rTy/u+p=";
const PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "godwit-secrets-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const env = new TaskEnvironment({ name: "vault", secrets: ["API_KEY", "SIGNING_PEM"] });

class Leak extends Error {
  readonly token: string;
  readonly nested: unknown;

  constructor(token: string) {
    super(`401 for ${token}`, { cause: new Error(`sent ${encodeURIComponent(token)}`) });
    this.token = token;
    this.nested = { headers: [`Bearer ${token}`], [token]: Buffer.from(token).toString("base64") };
  }
}

const leaky = env.task({ name: "leaky", retries: 1 }, async function leaky() {
  const key = ctx().secret("API_KEY");
  const pem = ctx().secret("SIGNING_PEM");
  console.log(`key ${key} and ${JSON.stringify({ pem })}`);
  console.error(pem);
  process.stdout.write(key.slice(0, 9));
  process.stdout.write(`${key.slice(9)}\n`);
  process.stdout.write(Buffer.from(`bytes ${key}\n`));
  process.stdout.write("x".repeat(15_990) + key);
  process.stdout.write(`${key}\n`);
  ctx().log.info("asking", { key, pem, auth: Buffer.from(key).toString("base64") });
  ctx().log.warn("y".repeat(15_992) + key);
  await trace(async function ask() {
    throw new Leak(key);
  })().catch(() => undefined);
  throw new AggregateError([new Leak(key), new Leak(pem)], "z".repeat(8_140) + key);
});

const main = env.task({ name: "main" }, async function main() {
  await leaky().catch((error: unknown) => console.log("caught", error));
  const call = leaky();
  (call as unknown as { abort(reason: string): void }).abort(`because of ${ctx().secret("API_KEY")}`);
  await call.catch((error: unknown) => console.log("caught", error));
  throw new Leak(ctx().secret("API_KEY"));
});

/** Every way in which the values could be found. */
const FORMS = [
  KEY,
  KEY.slice(0, 9),
  encodeURIComponent(KEY),
  Buffer.from(KEY).toString("base64").slice(0, 20),
  ...PEM.split("\n"),
  PEM.replaceAll("\n", "\\n"),
];

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const source: SecretSource = {
  get: async () => ({ API_KEY: KEY, SIGNING_PEM: PEM, OTHER: "not asked for" }),
};

describe("the secret of a task that prints, throws, traces and aborts with it", () => {
  test("is nowhere in what the system wrote or answers", async () => {
    const system = await openLocal({ dataDir: dir });
    const { core } = system;
    const seen: string[] = [];
    const terminal: string[] = [];
    const { write } = process.stdout;
    const runner = new Runner({
      transport: directTransport(core),
      tasks: { find: async (_, task) => registry.get(task) },
      secrets: source,
      pools: ["*"],
      backend: "local",
      host: "here",
      pid: process.pid,
    });
    process.stdout.write = ((chunk: unknown) => {
      terminal.push(String(chunk));
      return true;
    }) as typeof write;
    const undo = captureConsole({ tee: true });
    system.startTicking();
    runner.start();
    const { options } = main.definition;
    const run = await startRun(core, {
      task: "vault.main",
      input: '{"$undefined":true}',
      deployment: "d",
      pool: "d",
      options,
    });
    for await (const events of watchEvents(core, run)) seen.push(JSON.stringify(events));
    undo();
    process.stdout.write = write;
    await runner.stop({ graceMs: 100 });
    const app = createCoordinator({ core, auth: { mode: "open" }, signingKey: new Uint8Array(32) });
    const get = async (path: string): Promise<string> => {
      const reply = await app.request(`http://localhost${path}`);
      expect([path, reply.status]).toEqual([path, 200]);
      const text = await reply.text();
      seen.push(text);
      return text;
    };
    const { data } = JSON.parse(await get(`/v1/runs/${run}/actions?limit=100`)) as {
      data: { id: string; phase: string }[];
    };
    for (const { id } of data) await get(`/v1/runs/${run}/actions/${id}`);
    for (const path of ["", "/result", "/events", "/logs?limit=100"]) await get(`/v1/runs/${run}${path}`);
    await get("/v1/runs");
    // Read while the database is open, so that its write-ahead log is there.
    const files = await filesBelow(dir);
    for (const file of files) seen.push((await readFile(file)).toString("latin1"));
    await system.close();
    expect(files.some((file) => file.endsWith("-wal"))).toBe(true);
    const all = seen.join("\n");
    expect(all.match(/\[redacted\]/g)?.length).toBeGreaterThan(20);
    expect(all).toContain("because of [redacted]");
    expect(data.map(({ phase }) => phase).sort()).toContain("failed");
    for (const form of FORMS) expect([form, all.includes(form)]).toEqual([form, false]);
    expect(terminal.join("")).toContain("bytes [redacted]");
  });

  test("is given back as it is when the task returns it: results are the user's data", async () => {
    const give = env.task({ name: "give" }, async function give() {
      return ctx().secret("API_KEY");
    });
    const harness = await createHarness({ secrets: { API_KEY: KEY, SIGNING_PEM: PEM } });
    expect(await (await harness.run(give)).result()).toBe(KEY);
    await harness.close();
  });
});

describe("a task", () => {
  test("gets what it declares and nothing else", async () => {
    const curious = env.task({ name: "curious", secrets: ["API_KEY"] }, async function curious() {
      return [ctx().secret("API_KEY").length, ctx().secret("SIGNING_PEM")];
    });
    const harness = await createHarness({ secrets: { API_KEY: KEY, SIGNING_PEM: PEM } });
    const run = await harness.run(curious);
    await expect(run.result()).rejects.toMatchObject({ cause: { code: "SECRET_NOT_DECLARED" } });
    const both = await harness.run(curious.override({ secrets: ["API_KEY", "SIGNING_PEM"] }));
    expect(await both.result()).toEqual([KEY.length, PEM]);
    await harness.close();
  });

  test("does not start without a secret, and the error names it", async () => {
    const harness = await createHarness({ secrets: { API_KEY: KEY } });
    const run = await harness.run(main);
    await expect(run.result()).rejects.toMatchObject({
      cause: { code: "SECRET_NOT_FOUND", message: 'no secret "SIGNING_PEM" in default/development' },
    });
    expect(harness.executions("vault.main")).toBe(0);
    await harness.close();
  });

  test("cannot declare what is no name", () => {
    for (const name of ["a-b", "../etc/passwd", "1A", "A B"]) {
      expect(() => env.task({ name: "bad", secrets: [name] }, async () => 1)).toThrow("letters, digits");
    }
  });
});

describe("secrets of this machine", () => {
  const place = { project: "default", domain: "development" };

  async function put(path: string, value: string, mode = 0o600): Promise<string> {
    const file = join(dir, path);
    await mkdir(join(file, ".."), { recursive: true, mode: 0o700 });
    await writeFile(file, value, { mode });
    await chmod(file, mode);
    return file;
  }

  test("come from the folder, the file and the environment, in this order", async () => {
    await put("folder/default/development/A", "from folder\n");
    const file = await put("secrets.env", 'A=no\nB="from file"\nC=file');
    const environment = { GODWIT_SECRET_A: "no", GODWIT_SECRET_D: "from environment", D: "no" };
    const secrets = openLocalSecrets({ folder: join(dir, "folder"), file, environment });
    expect(await secrets.get(["A", "B", "D"], place)).toEqual({
      A: "from folder",
      B: "from file",
      D: "from environment",
    });
    await expect(secrets.get(["A", "X", "Y"], place)).rejects.toMatchObject({
      code: "SECRET_NOT_FOUND",
      message: 'no secret "X", "Y" in default/development',
    });
  });

  test("are of one project and domain", async () => {
    await put("folder/default/development/A", "development");
    await put("folder/default/production/A", "production");
    await put("folder/other/production/A", "other");
    const file = await put("secrets.env", "B=1");
    const secrets = openLocalSecrets({
      folder: join(dir, "folder"),
      file,
      environment: { GODWIT_SECRET_C: "2" },
    });
    const get = (names: string[], project: string, domain: string) => secrets.get(names, { project, domain });
    expect(await get(["A"], "default", "production")).toEqual({ A: "production" });
    expect(await get(["A"], "other", "production")).toEqual({ A: "other" });
    for (const [name, project, domain] of [
      ["A", "other", "development"],
      ["B", "default", "production"],
      ["C", "default", "production"],
      ["A", "..", "production"],
      ["A", "default/production", "."],
      ["../production/A", "default", "development"],
    ] as const) {
      await expect(get([name], project, domain)).rejects.toMatchObject({ code: "SECRET_NOT_FOUND" });
    }
  });

  test.skipIf(process.platform === "win32")("are refused where others may read or replace them", async () => {
    const file = await put("folder/default/development/A", "a", 0o640);
    const secrets = openLocalSecrets({ folder: join(dir, "folder"), environment: {} });
    await expect(secrets.get(["A"], place)).rejects.toMatchObject({ code: "SECRET_FILE_UNSAFE" });
    await chmod(file, 0o400);
    expect(await secrets.get(["A"], place)).toEqual({ A: "a" });
    await chmod(join(file, ".."), 0o777);
    await expect(secrets.get(["A"], place)).rejects.toMatchObject({
      message: expect.stringContaining("0777"),
    });
    const env = await put("secrets.env", "B=1", 0o604);
    const other = openLocalSecrets({ file: env, environment: {} });
    await expect(other.get(["B"], place)).rejects.toMatchObject({ code: "SECRET_FILE_UNSAFE" });
  });

  test("are taken out of the environment of the process", async () => {
    process.env["GODWIT_SECRET_E"] = "gone";
    const secrets = openLocalSecrets();
    expect(process.env["GODWIT_SECRET_E"]).toBeUndefined();
    expect(await secrets.get(["E"], place)).toEqual({ E: "gone" });
    expect(await openLocalSecrets().get(["E"], place)).toEqual({ E: "gone" });
  });
});
