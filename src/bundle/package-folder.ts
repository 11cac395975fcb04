import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What a package.json says, as far as bundling is concerned. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly gypfile?: boolean;
  readonly binary?: unknown;
  readonly napi?: unknown;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** `../node_modules/@scope/name/build/x.js` → `../node_modules/@scope/name`; null outside packages. */
export function packageFolder(path: string): string | null {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? null;
}

/** `../node_modules/@scope/name/build/x.js` → `@scope/name`; the path itself outside packages. */
export function packageOf(path: string): string {
  return packageFolder(path)?.replace(/^.*node_modules\//, "") ?? path;
}

/** `@scope/name/deep/file` → `@scope/name`. */
export function packageOfImport(specifier: string): string {
  return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
}

/** The manifest in a folder; null without a readable one. */
export function readManifest(folder: string): Manifest | null {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  } catch {
    // None, or none that can be read: whoever installs the package is told what is wrong with it.
    return null;
  }
}

/** The version of a package as code in `root` gets it, `""` when it is not installed. */
export function installedVersion(root: string, name: string): string {
  for (let at = root; ; at = dirname(at)) {
    const folder = join(at, "node_modules", name);
    if (existsSync(folder)) return readManifest(folder)?.version ?? "";
    if (dirname(at) === at) return "";
  }
}
