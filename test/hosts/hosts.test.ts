import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Started } from "../cli/godwit.ts";
import { Machine } from "./machine.ts";
import { openNetwork } from "./network.ts";
import { TASKS } from "./tasks.ts";

/**
 * A coordinator, a blob store, a client and two runners, each on a machine of its own. What they share is the address
 * of the coordinator, and that of the blob store, which they learn from it.
 */
const network = openNetwork(["one", "two", "client"]);
const hub = new Machine("hub", network);
const one = new Machine("one", network);
const two = new Machine("two", network);
const client = new Machine("client", network);

const PROJECT = "crossing";
/** A machine that is gone is missed after this long. */
const LEASE_MS = 3_000;
const MIB = 1024 * 1024;

let endpoint = "";
let blobs: Started;
let clientKey: Readonly<Record<string, string>>;
let runnerKey = "";

interface Ended<Value> {
  readonly run: string;
  readonly outcome: { readonly ok: true; readonly value: Value };
}

beforeAll(async () => {
  const script = join(import.meta.dirname, "blob-process.ts");
  blobs = hub.node(["--conditions=source", script, network.listen]);
  const [, line = "{}"] = await blobs.printed(/^(\{.*\})$/m);
  const s3 = JSON.parse(line) as Record<
    "port" | "region" | "accessKeyId" | "secretAccessKey" | "bucket",
    string
  >;
  const coordinator = hub.start(
    ["start", "coordinator", "--host", network.listen, "--port", "0", "--blobs", `s3://${s3.bucket}/godwit`],
    {
      AWS_ENDPOINT_URL_S3: `http://${network.hub}:${s3.port}`,
      AWS_REGION: s3.region,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      GODWIT_LEASE_MS: String(LEASE_MS),
    },
  );
  const [, port = ""] = await coordinator.printed(/serves http:\/\/[^:]+:(\d+)/, 30_000);
  endpoint = `http://${network.hub}:${port}`;
  clientKey = { GODWIT_TOKEN: await createKey("client", ["runs:read", "runs:write", "tasks:deploy"]) };
  runnerKey = await createKey("runners", ["runners"]);
  client.write("tasks.ts", TASKS.replace("VERSION", "1"));
  await Promise.all([startRunner(one, "maker,shared"), startRunner(two, "reader,shared")]);
}, 60_000);

afterAll(() => {
  for (const machine of [one, two, client, hub]) machine.remove();
  network.remove();
});

/** A key of the project, made where the database is. */
async function createKey(
  name: string,
  scopes: readonly string[],
  flags: readonly string[] = [],
): Promise<string> {
  const given = scopes.flatMap((scope) => ["--scope", scope]);
  const made = await hub.run(["create", "key", name, ...given, "--project", PROJECT, ...flags]);
  if (made.code !== 0) throw new Error(made.stderr);
  return made.stdout.trim();
}

async function startRunner(machine: Machine, environments: string): Promise<void> {
  const started = machine.start(
    [
      "start",
      "runner",
      "--endpoint",
      endpoint,
      "--environments",
      environments,
      "--cache-dir",
      "cache",
      ...SMALL,
    ],
    { GODWIT_TOKEN: runnerKey },
  );
  await started.printed(/serves http/, 30_000);
}

/** Few slots: what one machine cannot take is for the other. */
const SMALL = ["--processes", "1", "--slots", "4"];

const runArgs = (task: string, flags: readonly string[]): readonly string[] => [
  "run",
  "tasks.ts",
  task,
  ...flags,
  "--endpoint",
  endpoint,
];

async function run<Value>(task: string, flags: readonly string[]): Promise<Value> {
  const ended = await client.json<Ended<Value>>(runArgs(task, flags), clientKey);
  return ended.outcome.value;
}

/** Bundles that a machine has kept. */
function kept(machine: Machine): readonly string[] {
  return readdirSync(join(machine.path, "work", "cache")).filter((name) => name.endsWith(".mjs"));
}

function done(machine: Machine): number {
  return statSync(join(machine.path, "work", "squares.log"), { throwIfNoEntry: false })?.size ?? 0;
}

const sumOfSquares = (count: number): number => ((count - 1) * count * (2 * count - 1)) / 6;

interface Passed {
  readonly made: { readonly machine: string; readonly pid: number; readonly sha256: string };
  readonly seen: {
    readonly machine: string;
    readonly pid: number;
    readonly sha256: string;
    readonly sizeBytes: number;
  };
  readonly variables: readonly string[];
  readonly version: number;
}

const what = network.isApart ? "in network namespaces of their own" : "as plain processes";

describe(`machines ${what}`, () => {
  test.skipIf(!network.isApart)("reach the hub and not each other", async () => {
    const listener = two.node([
      "-e",
      'require("node:net").createServer().listen(0, "0.0.0.0", function () { console.log(this.address().port); })',
    ]);
    const [, port = ""] = await listener.printed(/^(\d+)$/m);
    const tryFrom = async (machine: Machine, host: string, at: string): Promise<string> => {
      const { stdout } = await machine.node([
        "-e",
        `const s = require("node:net").connect(${at}, "${host}");
         s.setTimeout(2000, () => { console.log("silence"); process.exit(); });
         s.on("connect", () => { console.log("connected"); process.exit(); });
         s.on("error", ({ code }) => { console.log(code); process.exit(); });`,
      ]).ended;
      return stdout.trim();
    };
    expect(await tryFrom(two, two.address, port)).toBe("connected");
    expect(await tryFrom(one, two.address, port)).toBe("ENETUNREACH");
    expect(await tryFrom(client, two.address, port)).toBe("ENETUNREACH");
    expect(await tryFrom(one, network.hub, new URL(endpoint).port)).toBe("connected");
  });

  test("pass code and a file of 50 MiB to each other by way of the blob store", async () => {
    const passed = await run<Passed>("pass", ["--mib", "50"]);
    expect([passed.made.machine, passed.seen.machine]).toEqual(["one", "two"]);
    expect(passed.seen.sizeBytes).toBe(50 * MIB);
    expect(passed.seen.sha256).toBe(passed.made.sha256);
    // No credentials but those of the runner itself, which its tasks do not see.
    expect(passed.variables).toEqual([]);
    for (const machine of [one, two]) {
      expect(kept(machine)).not.toEqual([]);
      for (const name of kept(machine)) {
        const bytes = readFileSync(join(machine.path, "work", "cache", name));
        expect(name).toBe(`${createHash("sha256").update(bytes).digest("hex")}.mjs`);
      }
    }
    const before = kept(one);
    client.write("tasks.ts", TASKS.replace("VERSION", "2"));
    const again = await run<Passed>("pass", ["--mib", "1"]);
    expect([again.version, again.made.pid, again.seen.pid]).toEqual([2, passed.made.pid, passed.seen.pid]);
    expect(kept(one).length).toBeGreaterThan(before.length);
    blobs.child.kill("SIGUSR2");
    const [, keys = ""] = await blobs.printed(/^\{"keys":(\[.*\])\}$/m);
    for (const name of before)
      expect(JSON.parse(keys)).toContain(`godwit/bundles/${name.replace(".mjs", "")}`);
  });

  test("share a fan-out of 1,000", async () => {
    const { sum, machines } = await run<{ sum: number; machines: Record<string, number> }>("fan", [
      "--count",
      "1000",
      "--ms",
      "10",
    ]);
    expect(sum).toBe(sumOfSquares(1_000));
    expect(Object.keys(machines).sort()).toEqual(["one", "two"]);
    expect((machines["one"] ?? 0) + (machines["two"] ?? 0)).toBe(1_000);
  });

  test("go on when one of them is cut off in the middle", async () => {
    const before = { one: done(one), two: done(two) };
    const started = client.start(
      [...runArgs("fan", ["--count", "1000", "--ms", "20"]), "-o", "json"],
      clientKey,
    );
    while (done(two) < before.two + 50) {
      expect(started.child.exitCode, started.stderr).toBeNull();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    two.cutPower();
    const leftAtCut = 1_000 - (done(one) - before.one) - (done(two) - before.two);
    expect(leftAtCut).toBeGreaterThan(0);
    const { code, stdout, stderr } = await started.ended;
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const { outcome } = JSON.parse(stdout) as Ended<{ sum: number; machines: Record<string, number> }>;
    expect(outcome.value.sum).toBe(sumOfSquares(1_000));
    expect(outcome.value.machines["two"]).toBeGreaterThan(0);
    expect(outcome.value.machines["one"]).toBeGreaterThan(0);
  });
});

describe("a runner is told in one line", () => {
  const startWith = (key: string, at: string) =>
    one.run(["start", "runner", "--endpoint", at, ...SMALL], { GODWIT_TOKEN: key });

  test("that its key is wrong", async () => {
    const wrong = runnerKey.replace(/.$/, (last) => (last === "a" ? "b" : "a"));
    const { code, stdout, stderr } = await startWith(wrong, endpoint);
    expect([code, stdout]).toEqual([4, ""]);
    expect(stderr.split("\n")[0]).toBe("error UNAUTHENTICATED: that is not an API key; was it copied whole?");
  });

  test("that its key has expired", async () => {
    const key = await createKey("short", ["runners"], ["--expires", "1s"]);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const { code, stderr } = await startWith(key, endpoint);
    expect([code, stderr.split("\n")[0]]).toEqual([
      4,
      'error UNAUTHENTICATED: the API key "short" has expired',
    ]);
  });

  test("that its key is for something else", async () => {
    const { code, stderr } = await startWith(clientKey["GODWIT_TOKEN"] ?? "", endpoint);
    expect([code, stderr.split("\n")[0]]).toEqual([
      4,
      'error FORBIDDEN: "client" does not have the scope "runners"',
    ]);
  });

  test("that nobody answers", async () => {
    const nowhere = `http://${network.hub}:45999`;
    const { code, stderr } = await startWith(runnerKey, nowhere);
    expect([code, stderr.split("\n")[0]]).toEqual([
      5,
      expect.stringContaining(`error ENDPOINT_UNREACHABLE: ${nowhere} cannot be reached`),
    ]);
  });
});
