import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT, readPages, samplesOf } from "./pages.ts";

const page = readPages().find(({ path }) => path === "README.md");
const samples = page === undefined ? [] : samplesOf(page);

it("shows a program of about 15 lines that does what is shown below it", () => {
  const program = samples.find(({ language }) => language === "ts")?.code ?? "";
  const session = samples.find(({ language }) => language === "console")?.code ?? "";
  const [command = "", ...shown] = session.trimEnd().split("\n");
  expect(program.trimEnd().split("\n").length).toBeLessThanOrEqual(15);
  // Inside the package, so that the program finds it.
  mkdirSync(join(ROOT, ".godwit"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".godwit", "readme-"));
  try {
    writeFileSync(join(folder, "hello.ts"), program);
    const line = command.replace(/^\$ npx godwit/, `"${process.execPath}" "${join(ROOT, "bin/godwit.js")}"`);
    const { status, stdout } = spawnSync(line, { shell: true, cwd: folder, encoding: "utf8" });
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${shown.join("\n")}\n` });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it("names only npm scripts that there are", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const named = [...(page?.text ?? "").matchAll(/npm (?:run )?(?:-s )?(demo|test|bench)\b/g)].map(
    ([, name]) => name,
  );
  expect(new Set(named)).toEqual(new Set(["demo", "test", "bench"]));
  for (const name of named) expect(scripts).toHaveProperty([name ?? ""]);
});
