import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { CLI_DOCS, renderCliDocs } from "../../scripts/gen-cli-docs.ts";
import { HTTP_DOCS, renderHttpDocs } from "../../scripts/gen-http-docs.ts";
import { SETTINGS } from "../../src/config/settings.ts";
import { readPages } from "./pages.ts";

// Both are written by a script: `node --conditions=source scripts/gen-….ts`.
it("has a page about the command line that says what the commands say", async () => {
  expect(readFileSync(CLI_DOCS, "utf8")).toBe(await renderCliDocs());
});

it("has a page about HTTP that lists what the API document lists", async () => {
  expect(readFileSync(HTTP_DOCS, "utf8")).toBe(await renderHttpDocs());
});

it("names every variable that the sources read", () => {
  const page = readPages().find(({ path }) => path.endsWith("configuration.md"))?.text ?? "";
  expect(readVariables().filter((name) => !page.includes(`\`${name}`))).toEqual([]);
});

it("names every setting, with its flag and its variable", () => {
  const page = readPages().find(({ path }) => path.endsWith("configuration.md"))?.text ?? "";
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  const described = SETTINGS.map(({ name }) => rows.find((row) => row.startsWith(`| \`${name}\` |`)) ?? name);
  for (const [at, { name, variable, flag }] of SETTINGS.entries()) {
    expect(described[at], name).toContain(`\`${variable}\``);
    if (flag !== null) expect(described[at], name).toContain(`\`${flag}\``);
  }
});

/** Variables that processes of Godwit set for each other. */
const INTERNAL = ["GODWIT_GUARDED", "GODWIT_RESUME", "GODWIT_TERMINAL", "GODWIT_PROPERTIES"];

function readVariables(): readonly string[] {
  const root = new URL("../../", import.meta.url);
  const files = ["src", "adapters"].flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => new URL(`${folder}/${file}`, root)),
  );
  const names = files.flatMap((file) => readFileSync(file, "utf8").match(/\bGODWIT_[A-Z_]*[A-Z]\b/g) ?? []);
  return [...new Set(names)].filter((name) => !INTERNAL.includes(name)).sort();
}
