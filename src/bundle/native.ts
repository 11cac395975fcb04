import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { GodwitError } from "../core/errors.ts";
import { type Manifest, packageFolder, packageOf, readManifest } from "./package-folder.ts";

/**
 * Refuses packages that are in the bundle and load a native add-on by a path that is put together at run time: the
 * bundler does not see it, and inside a bundle that path leads nowhere.
 *
 * @throws GodwitError BUNDLE_FAILED
 */
export function refuseNative(root: string, { outputs }: Metafile): void {
  const folders = new Set<string>();
  for (const output of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      const folder = packageFolder(path);
      if (folder !== null && bytesInOutput > 0) folders.add(folder);
    }
  }
  for (const folder of [...folders].sort()) {
    const sign = nativeSign(join(root, folder));
    if (sign !== null) throw cannotBundle(packageOf(folder), `has a native add-on (${sign})`);
  }
}

/** The refusal of a package, with both ways to keep it outside. */
export function cannotBundle(name: string, reason: string): GodwitError {
  return new GodwitError("BUNDLE_FAILED", `${name} ${reason}, which cannot be bundled`, {
    hint: keepOutside(name),
  });
}

/** What to do about a package that cannot be bundled. */
export function keepOutside(name: string): string {
  return `Keep it outside: "godwit": { "external": [${JSON.stringify(name)}] } in package.json, or \`--external ${name}\`; it must then be installed where the tasks run.`;
}

/** Packages whose only use is to find an add-on on disk. */
const LOADERS = [
  "bindings",
  "node-gyp-build",
  "node-gyp-build-optional-packages",
  "node-pre-gyp",
  "@mapbox/node-pre-gyp",
  "prebuild-install",
];
const COMPILERS = /\b(node-gyp|node-pre-gyp|prebuild-install|cmake-js|prebuildify)\b/;
const FOLDERS = ["binding.gyp", "prebuilds", "build/Release"];

/** Why a package is taken for one with an add-on; null when nothing speaks for it. */
function nativeSign(folder: string): string | null {
  const manifest = readManifest(folder);
  if (manifest === null) return null;
  return signInManifest(manifest) ?? FOLDERS.find((name) => existsSync(join(folder, name))) ?? null;
}

function signInManifest({ gypfile, binary, napi, scripts, dependencies }: Manifest): string | null {
  if (gypfile === true) return "`gypfile` in its package.json";
  if (binary !== undefined) return "`binary` in its package.json";
  if (napi !== undefined) return "`napi` in its package.json";
  const loader = LOADERS.find((name) => dependencies?.[name] !== undefined);
  if (loader !== undefined) return `it depends on ${loader}`;
  const install = scripts?.["install"] ?? "";
  return COMPILERS.test(install) ? `it is compiled by \`${install}\`` : null;
}
