import * as nodeModule from "node:module";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { GodwitError } from "../core/errors.ts";
import type { Registry } from "../sdk/registry.ts";
import { pointSourceMap } from "./source-map.ts";

export interface BundleText {
  /** URL the module gets: that of its file. */
  readonly url: string;
  readonly code: string;
  /** Folder of the project it was made of; undefined when that is not on this machine. */
  readonly root?: string | undefined;
}

export interface LoadedBundle {
  readonly registry: Registry;
}

/**
 * Imports a bundle. Its stacks name the files it was made of, and packages it left outside are found in its project.
 *
 * @throws GodwitError MODULE_LOAD_FAILED whose cause is what the module threw; a definition mistake as it is
 */
export async function loadBundle(bundle: BundleText): Promise<LoadedBundle> {
  const root = bundle.root;
  const code = root === undefined ? bundle.code : pointSourceMap(bundle.code, root);
  prepare();
  texts.set(bundle.url, {
    code,
    base: root === undefined ? undefined : pathToFileURL(join(root, "package.json")).href,
  });
  let module: { readonly registry?: Registry };
  try {
    module = (await import(/* @vite-ignore */ bundle.url)) as typeof module;
  } catch (error) {
    throw loadFailure(error);
  }
  if (typeof module.registry?.get === "function") return { registry: module.registry };
  throw new GodwitError("MODULE_LOAD_FAILED", `${bundle.url} exports no registry of tasks`, {
    hint: "Make bundles with `godwit run` or `godwit deploy`.",
  });
}

/** A mistake in a definition says best itself what it is. */
function loadFailure(error: unknown): GodwitError {
  if (error instanceof GodwitError) return error;
  const shown = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new GodwitError("MODULE_LOAD_FAILED", shown, { cause: error });
}

interface Loading {
  readonly code: string;
  /** Where packages it left outside are looked for first. */
  readonly base: string | undefined;
}

const texts = new Map<string, Loading>();
let isPrepared = false;

/** Hooks and source maps are the process's: set up once, with the first bundle. */
function prepare(): void {
  if (isPrepared) return;
  isPrepared = true;
  enableSourceMaps();
  registerHooks({
    load(url, context, nextLoad) {
      const text = texts.get(url);
      if (text === undefined) return nextLoad(url, context);
      return { format: "module", source: text.code, shortCircuit: true };
    },
    resolve(specifier, context, nextResolve) {
      // The text is at hand, whether there is a file or not.
      if (texts.has(specifier)) return { url: specifier, format: "module", shortCircuit: true };
      const base = texts.get(context.parentURL ?? "")?.base;
      if (base === undefined || specifier.startsWith("node:")) return nextResolve(specifier, context);
      try {
        return nextResolve(specifier, { ...context, parentURL: base });
      } catch {
        return nextResolve(specifier, context);
      }
    },
  });
}

function enableSourceMaps(): void {
  const settings = { nodeModules: false, generatedCode: false };
  const { setSourceMapsSupport } = nodeModule as { setSourceMapsSupport?: SetSourceMapsSupport };
  // Node 22.18 has it too, but the types of some versions do not know it.
  if (setSourceMapsSupport !== undefined) setSourceMapsSupport(true, settings);
  else process.setSourceMapsEnabled(true);
}

type SetSourceMapsSupport = (
  isEnabled: boolean,
  settings: { nodeModules: boolean; generatedCode: boolean },
) => void;
