import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Workspace } from "./godwit.ts";

const HELLO = `
import { map, TaskEnvironment } from "godwit";
import { double } from "./double.ts";

const env = new TaskEnvironment({ name: "hello" });

export const predict = env.task(async function predict({ x }: { x: number }) {
  console.log("predicting", x);
  return double(x) + 5;
});

export const main = env.task(async function main({ data }: { data: number[] }) {
  const ys = await map(predict, data.map((x) => ({ x })));
  return ys.reduce((sum, y) => sum + y, 0) / ys.length;
});

export class CardDeclined extends Error {
  override name = "CardDeclined";
}

export const boom = env.task(async function boom() {
  throw new CardDeclined("insufficient funds");
});

export const outer = env.task(async function outer() {
  return boom();
});

export const nothing = env.task(async function nothing() {});

export const long = env.task(async function long({ text }: { text: string }) {
  return text + text;
});

export const dated = env.task(async function dated() {
  return { at: new Date(0), tags: new Set(["a"]) };
});
`;

const TYPED = `
import { TaskEnvironment } from "godwit";

const fields = {
  threshold: { type: "number", description: "Lowest score" },
  dryRun: { type: "boolean", default: false },
  mode: { enum: ["fast", "slow"] },
  items: { type: "array" },
  label: { type: "string" },
};

// A Standard Schema by hand: a temporary folder has no packages installed.
const input = {
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) =>
      typeof (value as { threshold?: unknown })?.threshold === "number"
        ? { value: value as Record<string, unknown> }
        : { issues: [{ message: "expected a number", path: ["threshold"] }] },
    jsonSchema: { input: () => ({ type: "object", properties: fields, required: ["threshold"] }) },
  },
};

const env = new TaskEnvironment({ name: "typed" });
export const train = env.task({ input, description: "Trains a model." }, async function train(given) {
  return given;
});
`;

const workspace = new Workspace({
  "hello.ts": HELLO,
  "double.ts": "export const double = (x: number): number => 2 * x;\n",
  "typed.ts": TYPED,
  "input.json": '{ "threshold": 2 }',
  "syntax.ts": 'import { a } from "./double.ts";\nconst b = ;\n',
  "missing.ts": 'import "./nowhere.ts";\n',
  "throws.ts": 'function setUp(): void {\n  throw new RangeError("no config");\n}\nsetUp();\n',
  "waits.ts": "await new Promise(() => {});\n",
  "leaves.ts": "process.exit(4);\n",
  "misnamed.ts": 'import { TaskEnvironment } from "godwit";\nnew TaskEnvironment({ name: "Bad Name" });\n',
  "twice.ts": `import { TaskEnvironment } from "godwit";
const make = () => new TaskEnvironment({ name: "twice" }).task(async function one() {});
make();
make();
`,
  "starts.ts": `import { run, TaskEnvironment } from "godwit";
const one = new TaskEnvironment({ name: "starts" }).task(async function one() {});
await run(one);
`,
});

afterAll(() => workspace.remove());

describe("a run on this machine", () => {
  test("prints the result to stdout and everything else to stderr", async () => {
    const { code, stdout, stderr } = await workspace.run(["run", "hello.ts", "main", "--data", "[1,2,3]"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "9\n" });
    expect(stderr).toMatch(/✓ succeeded in .* · 4 actions\n$/);
    expect(stderr).toContain("predict │ predicting 2");
  });

  test("keeps what it did, for other commands to show", async () => {
    const { run } = await workspace.json<{ run: string }>(["run", "hello.ts", "main", "--data", "[4]"]);
    expect(await workspace.json(["get", "run", run])).toMatchObject({
      id: run,
      phase: "succeeded",
      outcome: { ok: true, value: 13 },
    });
    const actions = await workspace.json<{ task: string; phase: string }[]>(["get", "actions", run]);
    expect(actions.map(({ task, phase }) => `${task} ${phase}`)).toEqual([
      "hello.main succeeded",
      "hello.predict succeeded",
    ]);
    expect((await workspace.run(["logs", run])).stdout).toContain("predict │ predicting 4");
    const tasks = await workspace.json<{ name: string }[]>(["get", "tasks"]);
    expect(tasks.map(({ name }) => name)).toContain("hello.predict");
    const { stdout } = await workspace.run(["get", "runs", "-o", "id", "--limit", "1"]);
    expect(stdout).toBe(`${run}\n`);
  });

  test("has nothing but JSON on stdout with -o json, whatever tasks print", async () => {
    const { stdout } = await workspace.run(["run", "hello.ts", "main", "--data", "[1]", "-o", "json"]);
    expect(JSON.parse(stdout)).toEqual({
      run: expect.any(String),
      phase: "succeeded",
      outcome: { ok: true, value: 7 },
    });
    expect(stdout.trim().split("\n")).toHaveLength(1);
  });

  test("shows a failure with the user's own frames, and ends with 1", async () => {
    const { code, stdout, stderr } = await workspace.run(["run", "hello.ts", "outer"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("error TASK_FAILED: hello.boom threw CardDeclined: insufficient funds");
    expect(stderr).toMatch(/at boom \(hello\.ts:22:9\)/);
    expect(stderr).not.toMatch(/src\/(runner|sdk|core)/);
    expect(stderr).toMatch(/hint: .*`godwit logs r\w+ --action \w+`/);
  });

  test("tells whole stacks with -v", async () => {
    const { stderr } = await workspace.run(["run", "hello.ts", "boom", "-v"]);
    expect(stderr).toMatch(/src\/runner\/session\.ts/);
  });

  test("says nothing on stdout for a task that returns nothing, and writes dates as tagged JSON", async () => {
    expect((await workspace.run(["run", "hello.ts", "nothing"])).stdout).toBe("");
    const { stdout } = await workspace.run(["run", "hello.ts", "dated"]);
    expect(JSON.parse(stdout)).toEqual({ at: { $date: "1970-01-01T00:00:00.000Z" }, tags: { $set: ["a"] } });
  });

  test("runs again, recovers, and forks", async () => {
    const { run } = await workspace.json<{ run: string }>(["run", "hello.ts", "main", "--data", "[1]"]);
    expect((await workspace.run(["rerun", run])).stdout).toBe("7\n");
    expect((await workspace.run(["rerun", run, "--input", '{"data":[2]}'])).stdout).toBe("9\n");
    const recovered = await workspace.run(["recover", run]);
    expect(recovered.stderr).toContain("1 recovered");
    const forced = await workspace.run(["recover", run, "--force", "hello.predict"]);
    expect(forced.stderr).not.toContain("recovered");
    const same = await workspace.run(["fork", run, "hello.ts", "--changed"]);
    expect(same.stderr).toContain("1 recovered");
    workspace.write({ "double.ts": "export const double = (x: number): number => 20 * x;\n" });
    const changed = await workspace.run(["fork", run, "hello.ts", "--changed"]);
    workspace.write({ "double.ts": "export const double = (x: number): number => 2 * x;\n" });
    expect(changed.stderr).not.toContain("recovered");
    expect(changed.stdout).toBe("25\n");
  });

  test("keeps large values beside the database, and shows them whole", async () => {
    const text = "long ".repeat(10_000);
    workspace.write({ "long.json": JSON.stringify({ text }) });
    const { run } = await workspace.json<{ run: string }>([
      "run",
      "hello.ts",
      "long",
      "--input",
      "@long.json",
    ]);
    const outcome = { ok: true, value: text + text };
    expect(await workspace.json(["get", "run", run])).toMatchObject({ outcome });
    expect(await workspace.json(["rerun", run])).toMatchObject({ outcome });
    const blobs = readdirSync(join(workspace.path, ".godwit", "blobs"), {
      recursive: true,
      encoding: "utf8",
    });
    // The input and the result, each once.
    expect(blobs.filter((path) => /^projects.default.sha256.*[0-9a-f]{64}$/.test(path))).toHaveLength(2);
  });

  test("needs no guard", async () => {
    const env = { GODWIT_NO_GUARD: "1" };
    expect((await workspace.run(["run", "hello.ts", "main", "--data", "[1]"], { env })).stdout).toBe("7\n");
  });
});

describe("flags of a task", () => {
  const train = (...flags: string[]) => workspace.run(["run", "typed.ts", "train", "--no-logs", ...flags]);

  test("are typed by its schema", async () => {
    const { stdout } = await train(
      "--threshold",
      "0.9",
      "--dry-run",
      "--mode=slow",
      "--items",
      "[1]",
      "--input.label",
      "1",
    );
    expect(JSON.parse(stdout)).toEqual({
      threshold: 0.9,
      dryRun: true,
      mode: "slow",
      items: [1],
      label: "1",
    });
  });

  test("add to --input, which is JSON, a file or stdin", async () => {
    expect(JSON.parse((await train("--input", "@input.json", "--no-dry-run")).stdout)).toEqual({
      threshold: 2,
      dryRun: false,
    });
    const piped = await workspace.run(["run", "typed.ts", "train", "--input", "-"], {
      stdin: '{"threshold":3}',
    });
    expect(JSON.parse(piped.stdout)).toEqual({ threshold: 3 });
  });

  test("are listed by --help", async () => {
    const { code, stdout } = await workspace.run(["run", "typed.ts", "train", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("Trains a model.");
    expect(stdout).toMatch(/--threshold <number> +Lowest score \(required\)/);
    expect(stdout).toMatch(/--dry-run, --no-dry-run +\(default false\)/);
    expect(stdout).toContain("--mode <fast|slow>");
    expect(stdout).toContain("--input.label <string>");
  });

  test.each<[string[], string]>([
    [
      ["--treshold", "1"],
      "error FLAG_UNKNOWN: typed.train has no flag `--treshold`. Did you mean `--threshold`?",
    ],
    [["--threshold", "high"], 'error FLAG_INVALID: --threshold takes a number, not "high"'],
    [["--threshold"], "error FLAG_INVALID: --threshold needs a value"],
    [["--mode", "fsat"], "Did you mean `fast`?"],
    [["--input", "{bad"], 'error FLAG_INVALID: --input takes JSON, not "{bad"'],
    [["--mode", "fast"], "error INPUT_INVALID: typed.train: input refused: expected a number at /threshold"],
  ])("are refused before anything starts: %s", async (flags, message) => {
    const { code, stdout, stderr } = await train(...flags);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/\n {2}hint: /);
    expect(stderr).not.toContain("started");
  });
});

describe("a mistake", () => {
  test.each<[string, string[], number, RegExp]>([
    ["an unknown command", ["rnu"], 2, /FLAG_UNKNOWN: there is no command `rnu`\. Did you mean `run`\?/],
    ["an unknown flag", ["get", "runs", "--bogus"], 2, /FLAG_UNKNOWN: unknown option '--bogus'/],
    ["a missing argument", ["abort"], 2, /FLAG_INVALID: missing required argument 'run'/],
    [
      "no task",
      ["run", "hello.ts"],
      2,
      /FLAG_INVALID: which task of hello\.ts\?\n {2}hint: Tasks: hello\.predict, /,
    ],
    ["a missing file", ["run", "nope.ts", "main"], 3, /FILE_NOT_FOUND: there is no file "nope\.ts"/],
    [
      "a wrong task",
      ["run", "hello.ts", "mian"],
      3,
      /TASK_NOT_FOUND: .* no task `mian`\. Did you mean `main`\?/,
    ],
    ["a wrong run", ["get", "run", "nope"], 3, /RUN_NOT_FOUND: no run "nope"/],
    ["a run to recover that is not there", ["recover", "nope"], 3, /RUN_NOT_FOUND: no run "nope"/],
    [
      "an unreachable endpoint",
      ["get", "runs", "--endpoint", "http://127.0.0.1:9"],
      5,
      /ENDPOINT_UNREACHABLE/,
    ],
    [
      "a syntax error",
      ["run", "syntax.ts", "x"],
      2,
      /BUNDLE_FAILED: syntax\.ts:2:11: .*\n {2}const b = ;\n {12}\^\n/,
    ],
    ["a missing import", ["run", "missing.ts", "x"], 2, /BUNDLE_FAILED: missing\.ts:1:8: Could not resolve/],
    [
      "a file that throws",
      ["run", "throws.ts", "x"],
      1,
      /MODULE_LOAD_FAILED: RangeError: no config\n {2}at setUp \(throws\.ts:2:9\)\n/,
    ],
    ["a file that never loads", ["run", "waits.ts", "x"], 1, /MODULE_LOAD_FAILED: the file waits for ever/],
    ["a file that ends the process", ["run", "leaves.ts", "x"], 1, /MODULE_LOAD_FAILED: .* exit code 4/],
    [
      "a wrong definition",
      ["run", "misnamed.ts", "x"],
      2,
      /ENVIRONMENT_NAME_INVALID: "Bad Name" .*\n {2}at misnamed\.ts:2:1\n/,
    ],
    [
      "two tasks of one name",
      ["run", "twice.ts", "one"],
      2,
      /TASK_DUPLICATE: twice\.ts defines `twice` more than once/,
    ],
    [
      "a file that starts runs",
      ["run", "starts.ts", "one"],
      2,
      /OPTION_INVALID: run\(one\) was called while the file was loaded/,
    ],
    [
      "--detach without a coordinator",
      ["run", "hello.ts", "main", "--detach"],
      2,
      /FLAG_INVALID: --detach needs a coordinator/,
    ],
  ])("is told: %s", async (_, args, code, message) => {
    const ended = await workspace.run(args);
    expect(ended.stderr).toMatch(message);
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: "" });
    expect(ended.stderr).toMatch(/\n {2}hint: .+\n$/);
    expect(ended.stderr).not.toMatch(/node:internal|src\/(cli|bundle|runner)\//);
  });
});

describe("the list of commands", () => {
  let help: { code: number | null; stdout: string };
  beforeAll(async () => {
    help = await workspace.run(["--help"]);
  });

  test("is data when it is asked for", () => {
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/\n {2}run +Run a task of a file\n/);
  });

  test("goes to people when nothing was asked for", async () => {
    expect(await workspace.run([])).toMatchObject({ code: 2, stdout: "" });
  });

  test("tells the version", async () => {
    expect((await workspace.run(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("has help with examples for each", async () => {
    const names = [...help.stdout.matchAll(/^ {2}([a-z]+) {2}/gm)].map(([, name]) => name ?? "");
    expect(names.length).toBeGreaterThan(8);
    const pages = await Promise.all(names.map((name) => workspace.run([name, "--help"])));
    for (const { code, stdout } of pages) {
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Examples:\n {2}godwit /);
    }
  });
});
