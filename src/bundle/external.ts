import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { GodwitError } from "../core/errors.ts";
import { installedVersion, packageOfImport } from "./package-folder.ts";

/** The engine never travels with a user's code: it is the installed package's, loaded when it is needed. */
export const EXTERNAL_ENTRIES: readonly string[] = ["godwit/local", "godwit/testing"];

/**
 * Packages that the project keeps out of its bundles: `"godwit": { "external": ["sharp"] }` in its package.json.
 *
 * @throws GodwitError CONFIG_INVALID
 */
export function externals(root: string): readonly string[] {
  const path = join(root, "package.json");
  let settings: unknown;
  try {
    settings = (JSON.parse(readFileSync(path, "utf8")) as { readonly godwit?: unknown }).godwit;
  } catch {
    // Without a readable package.json there are no settings; whoever else needs the file says what is wrong with it.
    return [];
  }
  const listed = (settings as { readonly external?: unknown } | undefined)?.external ?? [];
  if (Array.isArray(listed) && listed.every((name) => typeof name === "string")) return listed;
  throw new GodwitError("CONFIG_INVALID", `${path}: \`godwit.external\` is ${JSON.stringify(listed)}`, {
    hint: 'Give an array of package names: `"godwit": { "external": ["sharp"] }`.',
  });
}

/** The packages that a bundle imports from outside, with the version that is installed; `""` when none is. */
export function leftOutside(root: string, { outputs }: Metafile): Readonly<Record<string, string>> {
  const specifiers = Object.values(outputs).flatMap(({ imports }) =>
    imports.flatMap(({ path, external }) => (external === true ? [path] : [])),
  );
  const names = specifiers
    .filter((path) => !isBuiltin(path) && !EXTERNAL_ENTRIES.includes(path))
    .map(packageOfImport);
  const sorted = [...new Set(names)].sort();
  return Object.fromEntries(sorted.map((name) => [name, installedVersion(root, name)]));
}
