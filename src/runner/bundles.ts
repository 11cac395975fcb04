import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { GodwitError } from "../core/errors.ts";
import type { Registry } from "../sdk/registry.ts";
import { type LoadedBundle, loadBundle } from "./load-bundle.ts";
import type { TaskSource } from "./tasks.ts";

export interface BundleTasksOptions {
  /** Gets a bundle by its hash. */
  fetch(hash: string): Promise<Uint8Array>;
  /** Folder in which bundles are kept: fetched once per machine. */
  readonly dir: string;
  /** Folder of the project the bundles were made of, when it is on this machine: stacks and breakpoints point there. */
  readonly root?: string;
}

/** Tasks out of bundles. */
export interface BundleTasks extends TaskSource {
  /** Loads a bundle and gives everything it defines. @throws GodwitError MODULE_LOAD_FAILED; what `fetch` throws */
  load(hash: string): Promise<Registry>;
}

/**
 * Finds tasks in bundles: fetched by hash, checked, kept on disk and imported once, any number of versions side by
 * side in one process.
 */
export function bundleTasks(options: BundleTasksOptions): BundleTasks {
  const loading = new Map<string, Promise<LoadedBundle>>();
  const load = (hash: string): Promise<LoadedBundle> => {
    const known = loading.get(hash);
    if (known !== undefined) return known;
    const bundle = open(hash, options);
    loading.set(hash, bundle);
    // A fetch that failed is tried again by the next task that needs it.
    bundle.catch(() => loading.delete(hash));
    return bundle;
  };
  return {
    load: async (hash) => (await load(hash)).registry,
    find: async (bundle, task) => (await load(bundle)).registry.get(task),
  };
}

async function open(hash: string, options: BundleTasksOptions): Promise<LoadedBundle> {
  const path = bundlePath(options.dir, hash);
  const code = (await readKept(path, hash)) ?? (await fetchAndKeep(hash, options));
  return loadBundle({ url: pathToFileURL(path).href, code, root: options.root });
}

/** Where a bundle is kept. */
export function bundlePath(dir: string, hash: string): string {
  // The hash comes from outside and becomes a file name.
  if (!/^[a-z0-9_-]{1,128}$/i.test(hash))
    throw new GodwitError("DEPLOYMENT_NOT_FOUND", `"${hash}" is no deployment`);
  return join(dir, `${hash}.mjs`);
}

async function readKept(path: string, hash: string): Promise<string | undefined> {
  if (!existsSync(path)) return undefined;
  const bytes = await readFile(path);
  if (sha256(bytes) === hash) return bytes.toString("utf8");
  // Cut off by a full disk or a power loss.
  await rm(path, { force: true });
  return undefined;
}

async function fetchAndKeep(hash: string, { fetch, dir }: BundleTasksOptions): Promise<string> {
  const bytes = await fetch(hash);
  const found = sha256(bytes);
  if (found !== hash) {
    throw new GodwitError("INTERNAL", `bundle ${hash} arrived damaged: its SHA-256 is ${found}`);
  }
  await keepBundle(dir, hash, bytes);
  return Buffer.from(bytes).toString("utf8");
}

/** Writes a bundle to disk, whole or not at all, whoever else writes the same one. */
export async function keepBundle(dir: string, hash: string, bytes: Uint8Array | string): Promise<void> {
  const path = bundlePath(dir, hash);
  await mkdir(dir, { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, bytes);
  await rename(draft, path);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
