import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { main as approval } from "../examples/approval.ts";
import { createHarness } from "../src/testing/index.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const dataDir = mkdtempSync(join(tmpdir(), "godwit-examples-"));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

interface Ended {
  readonly exitCode: number | null;
  readonly result: unknown;
  readonly told: string;
}

/** `godwit run examples/<file> main …`, as a user types it. */
async function runExample(file: string, ...flags: string[]): Promise<Ended> {
  const args = ["bin/godwit.js", "run", `examples/${file}`, "main", "--data-dir", dataDir, ...flags];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, NO_COLOR: "1" } });
  let result = "";
  let told = "";
  child.stdout.on("data", (chunk: Buffer) => (result += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (told += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { exitCode, told, result: result === "" ? undefined : JSON.parse(result) };
}

describe("the examples run from the command line", () => {
  it("hello: the mean of some predictions", async () => {
    expect(await runExample("hello.ts", "--data", "[1,2,3]")).toMatchObject({ exitCode: 0, result: 9 });
  });

  it("fan-out: a call per number, and two totals", async () => {
    const { result, told } = await runExample("fan-out.ts", "--n", "500");
    expect(result).toEqual({ n: 500, plain: 125_250, squared: 41_791_750 });
    expect(told).toContain("503 actions");
  });

  it("fibonacci: every call of the recursion is an action", async () => {
    const { result, told } = await runExample("fibonacci.ts", "--n", "8");
    expect(result).toEqual({ n: 8, fib: 21 });
    // fib(8) makes 67 calls; main is the last one.
    expect(told).toContain("68 actions");
  });

  it("failure: more memory until it is enough", async () => {
    const { result } = await runExample("failure.ts");
    expect(result).toEqual({ accuracy: 0.93, memoryMi: 4_096, refused: [1_024, 2_048] });
    expect(await runExample("failure.ts", "--max-memory-mi", "2048")).toMatchObject({ exitCode: 1 });
  });

  it("etl: what was refused is tried again, and nothing is lost", async () => {
    const { result, told } = await runExample("etl.ts");
    expect(result).toMatchObject({ rows: 150, cents: 33_600 });
    expect(told).toContain("2 retried");
  });

  it("approval: gives up when nobody answers in time", async () => {
    const { result } = await runExample("approval.ts", "--timeout", "50ms");
    expect(result).toEqual({ refused: "nobody answered within 50ms" });
  });
});

describe("approval", () => {
  it.each([
    [{ approved: true }, { url: "https://downloads.example.com/app-2.0.0.tar.gz", note: "" }],
    [{ approved: false, note: "not on a Friday" }, { refused: "not on a Friday" }],
  ])("goes on as the answer %j says, however late it comes", async (answer, result) => {
    const harness = await createHarness();
    const run = await harness.run(approval, { version: "2.0.0" });
    await harness.advance("3d");
    await harness.signal(run, "release", answer);
    expect(await run.result()).toEqual(result);
    await harness.close();
  });
});

describe("licenses", () => {
  it("counts what a plain loop over the same folder counts", async () => {
    const { exitCode, result } = await runExample("licenses.ts");
    const manifests = installed(join(root, "node_modules")).map(readManifest);
    expect(exitCode).toBe(0);
    const { packages, licenses, unlicensed, broken } = result as LicenseReport;
    expect(packages).toBe(manifests.length);
    expect(broken).toEqual([]);
    const declared = new Map<string, number>();
    for (const { license } of manifests) {
      if (typeof license === "string" && !/^see licen[sc]e/i.test(license))
        declared.set(license, (declared.get(license) ?? 0) + 1);
    }
    // Some packages say it in a file or in an old form instead, so a licence may have a few more than declared.
    for (const [license, count] of declared) expect(licenses[license]).toBeGreaterThanOrEqual(count);
    const sum = Object.values(licenses).reduce((total, count) => total + count, 0);
    expect(sum).toBe(manifests.length);
    expect(unlicensed).toHaveLength(licenses["none"] ?? 0);
  });

  it("finds a licence wherever it is said, sizes files, and tolerates broken packages", async () => {
    const folder = join(dataDir, "node_modules");
    const text = "Permission is hereby granted, free of charge, to any\n person obtaining a copy";
    addPackage(folder, "plain", { license: "ISC" });
    addPackage(folder, "@scope/old", { licenses: [{ type: "MIT", url: "…" }, { type: "Apache-2.0" }] });
    addPackage(
      folder,
      "plain/node_modules/in-file",
      { license: "SEE LICENSE IN LICENCE.md" },
      { "LICENCE.md": text },
    );
    addPackage(folder, "own-words", {}, { "COPYING.txt": "Be kind." });
    addPackage(folder, "nothing", {}, { "index.js": "x".repeat(2_000_000) });
    addPackage(folder, "garbled", "{ not json");
    addPackage(folder, "nameless", { name: 7 });
    mkdirSync(join(folder, ".bin"));
    const { exitCode, result } = await runExample("licenses.ts", "--folder", folder, "--top", "1");
    expect(exitCode).toBe(0);
    const { broken, size, ...rest } = result as LicenseReport;
    expect(size).toBe("2.0 MB");
    expect(rest).toEqual({
      packages: 7,
      licenses: { ISC: 1, MIT: 1, "MIT OR Apache-2.0": 1, none: 1, "see COPYING.txt": 1 },
      largest: { "nothing@1.0.0": "2.0 MB" },
      unlicensed: ["nothing@1.0.0"],
    });
    expect(broken).toHaveLength(2);
    expect(broken[0]).toMatch(/garbled.package\.json: .*JSON/);
    expect(broken[1]).toMatch(/nameless.package\.json: .*name/);
  });
});

interface LicenseReport {
  readonly packages: number;
  readonly size: string;
  readonly licenses: Record<string, number>;
  readonly unlicensed: readonly string[];
  readonly broken: readonly string[];
}

/** Every package folder below a `node_modules`: where there is a manifest and the path is that of a package. */
function installed(folder: string): string[] {
  const name = `(@[^/]+/)?[^@./][^/]*`;
  const pattern = new RegExp(`^${name}(/node_modules/${name})*/package\\.json$`);
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return paths.filter((path) => pattern.test(path.replaceAll("\\", "/"))).map((path) => join(folder, path));
}

function readManifest(path: string): { readonly license?: unknown } {
  return JSON.parse(readFileSync(path, "utf8")) as { license?: unknown };
}

function addPackage(
  root: string,
  path: string,
  manifest: object | string,
  files: Readonly<Record<string, string>> = {},
): void {
  const folder = join(root, path);
  mkdirSync(folder, { recursive: true });
  const name = path.replace(/.*node_modules\//, "");
  const json =
    typeof manifest === "string" ? manifest : JSON.stringify({ name, version: "1.0.0", ...manifest });
  writeFileSync(join(folder, "package.json"), json);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
}
