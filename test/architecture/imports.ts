import { posix } from "node:path";
import { parseSync, Visitor } from "oxc-parser";

/** How an import takes effect: when the module loads, when the line runs, or never (types are erased). */
export type ImportKind = "static" | "dynamic" | "type";

export interface FoundImport {
  readonly specifier: string;
  readonly kind: ImportKind;
  readonly line: number;
}

/** One import in one file; `target` is a path in the repository, or null for a package or a built-in. */
export interface Import extends FoundImport {
  readonly file: string;
  readonly target: string | null;
}

/** Path in the repository → source text. */
export type Sources = ReadonlyMap<string, string>;

/** `godwit`, `godwit/client` … → the source file that the exports map names. */
export type SelfReferences = ReadonlyMap<string, string>;

/** Every import in `sources`, in file order. */
export function readImports(sources: Sources, selfReferences: SelfReferences): Import[] {
  return [...sources].flatMap(([file, text]) =>
    findImports(file, text).map((found) => {
      return { ...found, file, target: resolve(file, found.specifier, selfReferences) };
    }),
  );
}

/** The imports of one file: statements, re-exports, `import()` with a literal, and `import("x").Type`. */
export function findImports(file: string, text: string): FoundImport[] {
  const { module, program, errors } = parseSync(file, text);
  if (errors[0] !== undefined) throw new Error(`${file} does not parse: ${errors[0].message}`);
  const found: (Omit<FoundImport, "line"> & { at: number })[] = [];
  for (const { moduleRequest, entries, start } of module.staticImports) {
    const isErased = entries.length > 0 && entries.every((entry) => entry.isType);
    found.push({ specifier: moduleRequest.value, kind: isErased ? "type" : "static", at: start });
  }
  for (const { entries, start } of module.staticExports) {
    const from = entries.find((entry) => entry.moduleRequest !== null)?.moduleRequest;
    if (from === undefined || from === null) continue;
    const isErased = entries.every((entry) => entry.isType);
    found.push({ specifier: from.value, kind: isErased ? "type" : "static", at: start });
  }
  for (const { moduleRequest, start } of module.dynamicImports) {
    const specifier = literal(text.slice(moduleRequest.start, moduleRequest.end));
    if (specifier !== null) found.push({ specifier, kind: "dynamic", at: start });
  }
  new Visitor({
    TSImportType: ({ source, start }) => {
      found.push({ specifier: source.value, kind: "type", at: start });
    },
  }).visit(program);
  return found
    .sort((one, other) => one.at - other.at)
    .map(({ at, ...rest }) => ({ ...rest, line: lineAt(text, at) }));
}

/** What a quoted string or a template without holes says; null for anything computed. */
function literal(expression: string): string | null {
  return /^(["'`])([^"'`$]*)\1$/.exec(expression.trim())?.[2] ?? null;
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function resolve(file: string, specifier: string, selfReferences: SelfReferences): string | null {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(file), specifier);
  return selfReferences.get(specifier) ?? null;
}
