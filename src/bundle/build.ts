import { createHash } from "node:crypto";
import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { type BuildOptions, build, type Metafile, type OutputFile, type Plugin } from "esbuild";
import { GodwitError } from "../core/errors.ts";
import { attachSourceMap, SOURCE_ROOT } from "../runner/source-map.ts";
import { EXTERNAL_ENTRIES, externals, leftOutside } from "./external.ts";
import { bundleFailure } from "./failure.ts";
import { findGodwit, type GodwitPackage, oneGodwit } from "./godwit-package.ts";
import { refuseNative } from "./native.ts";
import { neutralizer } from "./neutralize.ts";

/** A user's code as one module. */
export interface Bundle {
  /** SHA-256 of `code`, in hex: the bundle's address. */
  readonly hash: string;
  /** ES module with an inline source map; exports `registry`, which holds the tasks. */
  readonly code: string;
  /** Folder that the paths of the modules and of the source map are relative to. */
  readonly root: string;
  /** Paths of the files that were bundled, relative to `root`. */
  readonly entries: readonly string[];
  /** What went into it, by path. */
  readonly modules: Metafile["inputs"];
  /** Packages that it imports and that stay outside, with the version that is installed; empty when none is. */
  readonly external: Readonly<Record<string, string>>;
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
  return buildEntries(root, [posixRelative(root, path)], options);
}

/**
 * Bundles several modules of a project, given by their paths relative to `root`, with everything they import and
 * nothing else.
 *
 * @throws GodwitError BUNDLE_FAILED with the place and the line of source
 */
export async function buildEntries(
  root: string,
  entries: readonly string[],
  options: BundleOptions = {},
): Promise<Bundle> {
  const paths = entries.map((entry) => join(root, entry));
  const godwit = findGodwit(root);
  const { metafile, outputFiles } = await run(paths, {
    root,
    godwit,
    external: [...externals(root), ...(options.external ?? [])],
  });
  refuseNative(root, metafile);
  const from = posixRelative(root, godwit.folder);
  const neutral = neutralizer(from);
  const script = neutral.code(textOf(outputFiles, ".mjs"));
  const header = needsRequire(script) ? `${REQUIRE}\n` : "";
  const map = neutral.map(textOf(outputFiles, ".map"), header === "" ? 0 : 1);
  const code = attachSourceMap(header + script, map);
  return {
    hash: createHash("sha256").update(code).digest("hex"),
    code,
    root,
    entries,
    modules: metafile.inputs,
    external: leftOutside(root, metafile),
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

interface Built {
  readonly metafile: Metafile;
  readonly outputFiles: readonly OutputFile[];
}

async function run(
  paths: readonly string[],
  {
    root,
    godwit,
    external,
  }: { readonly root: string; readonly godwit: GodwitPackage; readonly external: readonly string[] },
): Promise<Built> {
  const imports = paths.map((_, index) => `import ${JSON.stringify(ENTRY + index)};\n`);
  const settings = {
    stdin: {
      contents: `${imports.join("")}export { registry } from "godwit";\n`,
      resolveDir: root,
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
    plugins: [entryFiles(paths), oneGodwit(godwit)],
    define: { __dirname: "import.meta.dirname", __filename: "import.meta.filename" },
    logLevel: "silent",
  } satisfies BuildOptions;
  try {
    return await build(settings);
  } catch (error) {
    throw bundleFailure(error, root);
  }
}

const ENTRY = "godwit:entry/";

/** The user's files. A package that calls itself free of side effects means its exports, not what defines tasks. */
function entryFiles(paths: readonly string[]): Plugin {
  return {
    name: "entry-files",
    setup({ onResolve }) {
      onResolve({ filter: new RegExp(`^${ENTRY}`) }, ({ path }) => ({
        path: paths[Number(path.slice(ENTRY.length))] ?? "",
        sideEffects: true,
      }));
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
