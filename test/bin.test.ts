import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";
import { expect, test } from "vitest";

const bin = new URL("../bin/godwit.js", import.meta.url);

function runOn(version: string): { status: number | null; stderr: string } {
  const versions = JSON.stringify({ ...process.versions, node: version });
  const pretend =
    `Object.defineProperty(process, "versions", { value: ${versions} });` +
    `Object.defineProperty(process, "version", { value: "v${version}" });`;
  const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
  const { status, stderr } = spawnSync(process.execPath, ["--import", preload, fileURLToPath(bin)], {
    encoding: "utf8",
  });
  return { status, stderr };
}

test.each(["12.22.12", "20.20.2", "22.17.1"])("tells a user of Node %s which Node to install", (version) => {
  expect(runOn(version)).toEqual({
    status: 2,
    stderr:
      `godwit needs Node >= 22.18; this is v${version}. ` +
      "Install a newer Node (https://nodejs.org) and run again.\n",
  });
});

test("has only syntax that Node 12 knows, or nobody would see the sentence", () => {
  const text = readFileSync(bin, "utf8");
  const compile = (target: string) => transformSync(text, { target, format: "esm" }).code;
  expect(compile("node12.22")).toBe(compile("esnext"));
});
