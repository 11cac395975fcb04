import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GodwitError } from "../core/errors.ts";

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
