import { createHash } from "node:crypto";
import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import {
  type BuildOptions,
  type BuildResult,
  build,
  type Metafile,
  type OutputFile,
  type Plugin,
} from "esbuild";
import { GodwitError } from "../core/errors.ts";
import { attachSourceMap, SOURCE_ROOT } from "../runner/source-map.ts";
import { EXTERNAL_ENTRIES, externals } from "./external.ts";
import { bundleFailure } from "./failure.ts";
import { findGodwit, type GodwitPackage, oneGodwit } from "./godwit-package.ts";

/** A user's code as one module. */
export interface Bundle {
  /** SHA-256 of `code`, in hex: the bundle's address, and the id of its deployment. */
  readonly hash: string;
  /** ES module with an inline source map; exports `registry`, which holds the tasks. */
  readonly code: string;
  /** Folder that the paths of the modules and of the source map are relative to. */
  readonly root: string;
  /** Path of the file that was bundled, relative to `root`. */
  readonly entry: string;
  /** What went into it, by path. */
  readonly modules: Metafile["inputs"];
  /** Folder of the copy of Godwit that went into it, relative to `root`. */
  readonly godwit: string;
}

export interface BundleOptions {
  /** Packages that stay outside: they must be installed where the tasks run. */
  readonly external?: readonly string[];
}

/**
 * Bundles a file with everything it imports, the SDK included. The same sources give the same bytes, whatever the
 * current directory and wherever the project lies.
 *
 * @throws GodwitError FILE_NOT_FOUND, or BUNDLE_FAILED with the place and the line of source
 */
export async function buildBundle(file: string, options: BundleOptions = {}): Promise<Bundle> {
  const path = existing(file);
  const root = projectRoot(dirname(path));
  const godwit = findGodwit(dirname(path));
  const result = await run(path, root, godwit, [...externals(root), ...(options.external ?? [])]);
  const outputs = result.outputFiles ?? [];
  const from = posixRelative(root, godwit.folder);
  const neutral = neutralizer(from);
  const script = neutral.code(textOf(outputs, ".mjs"));
  const header = needsRequire(script) ? `${REQUIRE}\n` : "";
  const map = neutral.map(textOf(outputs, ".map"), header === "" ? 0 : 1);
  const code = attachSourceMap(header + script, map);
  return {
    hash: createHash("sha256").update(code).digest("hex"),
    code,
    root,
    entry: posixRelative(root, path),
    modules: result.metafile?.inputs ?? {},
    godwit: from,
  };
}

function posixRelative(from: string, to: string): string {
  return relative(from, to).split(sep).join("/");
}

function existing(file: string): string {
  const path = resolve(file);
  if (!existsSync(path)) throw new GodwitError("FILE_NOT_FOUND", `there is no file "${file}"`);
  if (!statSync(path).isDirectory()) return realpathSync(path);
  throw new GodwitError("FILE_NOT_FOUND", `"${file}" is a folder`, {
    hint: "Give the file that defines the tasks.",
  });
}

/** The nearest folder with a package.json, else the folder itself. */
function projectRoot(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, "package.json"))) return at;
    if (dirname(at) === at) return folder;
  }
}

async function run(
  path: string,
  root: string,
  godwit: GodwitPackage,
  external: readonly string[],
): Promise<BuildResult> {
  const settings: BuildOptions = {
    stdin: {
      contents: `import ${JSON.stringify(ENTRY)};\nexport { registry } from "godwit";\n`,
      resolveDir: dirname(path),
      sourcefile: "godwit-entry.ts",
      loader: "ts",
    },
    absWorkingDir: root,
    outfile: join(root, "bundle.mjs"),
    write: false,
    bundle: true,
    metafile: true,
    format: "esm",
    platform: "node",
    target: "node22",
    // Names of functions are names of tasks.
    keepNames: true,
    sourcemap: "external",
    sourceRoot: SOURCE_ROOT,
    external: [...EXTERNAL_ENTRIES, ...external],
    plugins: [entryFile(path), oneGodwit(godwit)],
    define: { __dirname: "import.meta.dirname", __filename: "import.meta.filename" },
    logLevel: "silent",
  };
  try {
    return await build(settings);
  } catch (error) {
    throw bundleFailure(error, root);
  }
}

const ENTRY = "godwit:entry";

/** The user's file. A package that calls itself free of side effects means its exports, not what defines tasks. */
function entryFile(path: string): Plugin {
  return {
    name: "entry-file",
    setup({ onResolve }) {
      onResolve({ filter: new RegExp(`^${ENTRY}$`) }, () => ({ path, sideEffects: true }));
    },
  };
}

function textOf(outputs: readonly OutputFile[], extension: string): string {
  return outputs.find((output) => output.path.endsWith(extension))?.text ?? "";
}

// Only where esbuild reserved the name (its shim for `require` in CommonJS packages) is it free for this.
const REQUIRE =
  'import { createRequire as __godwitCreateRequire } from "node:module"; const require = __godwitCreateRequire(import.meta.url);';

function needsRequire(script: string): boolean {
  return script.includes('typeof require !== "undefined" ? require');
}

/** Rewrites what depends on where the project and Godwit lie relative to each other. */
function neutralizer(from: string): {
  code(text: string): string;
  map(text: string, addedLines: number): string;
} {
  const to = "node_modules/godwit";
  const isMoved = from !== "" && from !== to;
  return {
    // The names of modules that esbuild writes above them, and those of CommonJS modules.
    code: (text) =>
      isMoved
        ? text.replaceAll(`\n// ${from}/`, `\n// ${to}/`).replaceAll(`\n  "${from}/`, `\n  "${to}/`)
        : text,
    map(text, addedLines) {
      const map = JSON.parse(text) as SourceMapText;
      const sources = map.sources.map((source) =>
        isMoved && source.startsWith(`${from}/`) ? to + source.slice(from.length) : source,
      );
      // Only the user's own sources travel: nobody debugs a package through a map, and it would double the size.
      const sourcesContent = map.sourcesContent.map((text, index) =>
        isForeign(map.sources[index] ?? "", from) ? null : text,
      );
      return JSON.stringify({
        ...map,
        sources,
        sourcesContent,
        mappings: ";".repeat(addedLines) + map.mappings,
      });
    },
  };
}

function isForeign(source: string, godwit: string): boolean {
  return /(^|\/)node_modules\//.test(source) || (godwit !== "" && source.startsWith(`${godwit}/`));
}

interface SourceMapText {
  readonly sources: readonly string[];
  readonly sourcesContent: readonly (string | null)[];
  readonly mappings: string;
}
