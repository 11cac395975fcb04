import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compileFunction, constants } from "node:vm";
import { vi } from "vitest";
import type { BundleText, LoadedBundle } from "../../src/runner/load-bundle.ts";

// Node has to import bundles by itself: what vitest imports is transformed, and its places on stacks are others.
const importNatively = compileFunction("return import(url)", ["url"], {
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
}) as (url: string) => Promise<LoadedBundle>;

vi.mock("../../src/runner/load-bundle.ts", () => ({
  loadBundle: ({ url, code }: BundleText): Promise<LoadedBundle> => {
    writeFileSync(fileURLToPath(url), code);
    return importNatively(url);
  },
}));
