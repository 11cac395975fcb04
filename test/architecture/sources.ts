import { globSync, readFileSync } from "node:fs";
import { sep } from "node:path";
import type { SelfReferences, Sources } from "./imports.ts";

const root = new URL("../../", import.meta.url);
const folders = "src,adapters,devbox,functions,infra,pulumi";

/** Every module that the import table speaks of. */
export function readSources(): Sources {
  const paths = globSync(`{${folders}}/**/*.{ts,tsx,mts,js,mjs}`, {
    cwd: root,
    exclude: ["**/node_modules/**", "**/dist/**"],
  });
  return new Map(paths.map((path) => [path.split(sep).join("/"), readFileSync(new URL(path, root), "utf8")]));
}

/** `godwit/client` → `src/client/index.ts` …, as the exports map says. */
export function readSelfReferences(): SelfReferences {
  const { name, exports } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as PackageJson;
  return new Map(
    Object.entries(exports).flatMap(([path, entry]) =>
      typeof entry === "string" ? [] : [[name + path.slice(1), entry.source.slice(2)]],
    ),
  );
}

interface PackageJson {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly source: string }>>;
}
