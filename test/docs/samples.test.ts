import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT, readPages, samplesOf } from "./pages.ts";

/**
 * The samples of a page are one program: each may use what the ones before it define. A page whose first sample imports
 * nothing shows fragments.
 */
const programs = readPages().flatMap((page) => {
  const code = samplesOf(page)
    .filter(({ language }) => language === "ts")
    .map((sample) => sample.code);
  return !code[0]?.includes("import ")
    ? []
    : [{ path: page.path, name: `${basename(page.path, ".md")}.ts`, code }];
});

let folder: string;
beforeAll(() => {
  // Inside the package, so that `godwit` means the sources.
  mkdirSync(join(ROOT, ".godwit"), { recursive: true });
  folder = mkdtempSync(join(ROOT, ".godwit", "samples-"));
  for (const { name, code } of programs) writeFileSync(join(folder, name), code.join("\n"));
  const config = { extends: "../../tsconfig.json", include: ["*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("has samples that type-check", () => {
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [compiler, "-p", folder], {
    encoding: "utf8",
    timeout: 20_000,
  });
  // The sources are judged by `npm run types`.
  expect(stdout.split("\n").filter((line) => line.includes("samples-"))).toEqual([]);
});

it("has a testing guide that prints what it says", () => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=source", join(folder, "testing.ts")],
    { encoding: "utf8", timeout: 20_000 },
  );
  expect({ stdout, stderr }).toEqual({ stdout: "2\n3\n1\n", stderr: "" });
});
