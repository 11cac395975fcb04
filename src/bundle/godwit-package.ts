import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";
import { GodwitError } from "../core/errors.ts";
import { EXTERNAL_ENTRIES } from "./external.ts";

/** An installed or checked-out copy of Godwit. */
export interface GodwitPackage {
  readonly folder: string;
  /** File of `.`, `./client` …; undefined when there is no such entry. */
  entry(name: string): string | undefined;
}

/** The copy that code in `folder` imports, else the one this very file belongs to. */
export function findGodwit(folder: string): GodwitPackage {
  const found = nearest(folder) ?? nearest(import.meta.dirname);
  if (found === undefined) throw new GodwitError("INTERNAL", `no package "godwit" above ${folder}`);
  return found;
}

function nearest(folder: string): GodwitPackage | undefined {
  for (let at = folder; ; at = dirname(at)) {
    // A package may import itself by name; otherwise it is what is installed.
    const found = read(at) ?? read(join(at, "node_modules", "godwit"));
    if (found !== undefined || dirname(at) === at) return found;
  }
}

interface Manifest {
  readonly name?: string;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>> | string>>;
}

function read(folder: string): GodwitPackage | undefined {
  const path = join(folder, "package.json");
  if (!existsSync(path)) return undefined;
  const { name, exports = {} } = JSON.parse(readFileSync(path, "utf8")) as Manifest;
  if (name !== "godwit") return undefined;
  const real = realpathSync(folder);
  // A checkout has nothing built; an installed package has its sources only for reading.
  const isCheckout = existsSync(join(real, "src/index.ts")) && !/[\\/]node_modules[\\/]/.test(real);
  return {
    folder: real,
    entry(subpath) {
      const target = exports[subpath];
      const file = typeof target === "string" ? target : target?.[isCheckout ? "source" : "default"];
      return file === undefined ? undefined : join(real, file);
    },
  };
}

/** Every import of Godwit gives one copy, whoever imports it: tasks of two copies would be in two registries. */
export function oneGodwit(godwit: GodwitPackage): Plugin {
  return {
    name: "one-godwit",
    setup({ onResolve }) {
      onResolve({ filter: /^godwit(\/|$)/ }, ({ path }) => {
        if (EXTERNAL_ENTRIES.includes(path)) return { path, external: true };
        const file = godwit.entry(`.${path.slice("godwit".length)}`);
        if (file === undefined) return { errors: [{ text: `"${path}" is not exported by Godwit` }] };
        return { path: file, sideEffects: false };
      });
    },
  };
}
