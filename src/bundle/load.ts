import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { GodwitError } from "../core/errors.ts";
import { loadBundle } from "../runner/load-bundle.ts";
import type { Registry } from "../sdk/registry.ts";
import { configureRuns } from "../sdk/starter.ts";
import { type Bundle, type BundleOptions, buildBundle } from "./build.ts";

/** A bundle, loaded in this process. */
export interface LoadedFile {
  readonly bundle: Bundle;
  /** What it defines. */
  readonly registry: Registry;
}

/** Bundles a file and loads what it defines, without keeping anything. @throws GodwitError as `buildBundle`, `loadBundle` */
export async function loadFile(file: string, options: BundleOptions = {}): Promise<LoadedFile> {
  const bundle = await buildBundle(file, options);
  return { bundle, registry: await loadInPlace(bundle) };
}

/** Loads a bundle as if it lay in the project it was made of. @throws GodwitError MODULE_LOAD_FAILED */
export async function loadInPlace(bundle: Bundle): Promise<Registry> {
  refuseRunsWhileLoading();
  const url = pathToFileURL(join(bundle.root, `${bundle.hash}.mjs`)).href;
  return (await loadBundle({ url, code: bundle.code, root: bundle.root })).registry;
}

/** Code that starts runs when it is imported would do so in every process that loads it. */
export function refuseRunsWhileLoading(): void {
  const refusal = (call: string): GodwitError =>
    new GodwitError("OPTION_INVALID", `${call} was called while the file was loaded`, {
      hint: "Put it behind `if (import.meta.main)`, so that it runs only when Node is given the file.",
    });
  configureRuns({
    start: ({ task }) => Promise.reject(refusal(`run(${task.shortName})`)),
    attach: (run) => Promise.reject(refusal(`remote.run("${run}")`)),
    list: () => {
      throw refusal("remote.runs()");
    },
  });
}
