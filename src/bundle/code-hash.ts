import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { type Loader, transform } from "esbuild";
import type { TaskDefinition } from "../sdk/definition.ts";
import type { Bundle } from "./build.ts";
import { isGodwit, Places } from "./definition-place.ts";
import { installedVersion, packageOfImport } from "./package-folder.ts";

/**
 * A hash per task, over the modules that its definition reaches: what cache "auto" and a fork compare. An edited
 * helper or an upgraded package changes it; comments, types, layout and other tasks' modules do not, nor does
 * Godwit itself, which has a behaviour version of its own.
 */
export async function codeHashes(
  bundle: Bundle,
  tasks: readonly TaskDefinition[],
): Promise<ReadonlyMap<string, string>> {
  const modules = new ModuleHashes(bundle);
  const all = Object.keys(bundle.modules);
  const places = new Places(bundle);
  const hashes = new Map<string, string>();
  for (const task of tasks) {
    const sites = places.modulesOf(task);
    // A definition that cannot be located depends on everything: too many misses, but never a stale hit.
    hashes.set(task.name, await modules.reachedFrom(sites.length > 0 ? sites : all));
  }
  return hashes;
}

class ModuleHashes {
  readonly #bundle: Bundle;
  readonly #hashes = new Map<string, Promise<string>>();
  readonly #versions = new Map<string, string>();

  constructor(bundle: Bundle) {
    this.#bundle = bundle;
  }

  /** Hash of what `paths` reach. The order of modules and their places in the project are not part of it. */
  async reachedFrom(paths: readonly string[]): Promise<string> {
    const seen = new Set<string>();
    const outside = new Set<string>();
    for (const queue = [...paths]; queue.length > 0; ) {
      const path = queue.pop() ?? "";
      if (seen.has(path) || isGodwit(path, this.#bundle)) continue;
      seen.add(path);
      for (const { path: next, external } of this.#bundle.modules[path]?.imports ?? []) {
        if (external === true) outside.add(next);
        else queue.push(next);
      }
    }
    const parts = await Promise.all([...seen].map((path) => this.#hash(path)));
    for (const name of outside) parts.push(this.#outside(name));
    return sha256(parts.sort().join("\n"));
  }

  #hash(path: string): Promise<string> {
    const known = this.#hashes.get(path);
    if (known !== undefined) return known;
    const hash = hashModule(this.#bundle.root, path);
    this.#hashes.set(path, hash);
    return hash;
  }

  /** A package outside the bundle counts by its version, a built-in module by its name. */
  #outside(name: string): string {
    const known = this.#versions.get(name);
    if (known !== undefined) return known;
    const version = `${name}@${installedVersion(this.#bundle.root, packageOfImport(name))}`;
    this.#versions.set(name, version);
    return version;
  }
}

const LOADERS: Readonly<Record<string, Loader>> = {
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".js": "js",
  ".mjs": "js",
  ".cjs": "js",
  ".jsx": "jsx",
};

async function hashModule(root: string, path: string): Promise<string> {
  const bytes = await readFile(join(root, path)).catch(() => Buffer.alloc(0));
  const loader = LOADERS[extname(path)];
  // Nobody edits the comments of a package, and stripping hundreds of its modules takes time.
  if (loader === undefined || /(^|\/)node_modules\//.test(path)) return sha256(bytes);
  const { code } = await transform(bytes.toString("utf8"), {
    loader,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "silent",
  });
  return sha256(code);
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
