import { type Import, readImports, type SelfReferences, type Sources } from "./imports.ts";
import { adapterOf, allowed, areaOf, clouds, free, heavy, light, onDemand, pure } from "./layers.ts";

type Rule = (one: Import, area: string) => string | null;

/** One line per import that breaks a rule: `file:line imports "x": the rule`. */
export function checkImports(sources: Sources, selfReferences: SelfReferences = new Map()): string[] {
  const imports = readImports(sources, selfReferences);
  const broken = imports.flatMap((one) => {
    const area = areaOf(one.file);
    if (area === null || free.includes(area)) return [];
    const rules = new Set(
      [direction, adapterIsolation, corePurity, clientPortability, cloudSdk].map((rule) => rule(one, area)),
    );
    return [...rules].filter((rule) => rule !== null).map((rule) => describe(one, rule));
  });
  return [...broken, ...reach(imports)];
}

function describe(one: Import, rule: string): string {
  return `${one.file}:${one.line} imports "${one.specifier}": ${rule}`;
}

const direction: Rule = ({ target, kind }, area) => {
  const to = target === null ? null : areaOf(target);
  if (to === null || to === area) return null;
  if (free.includes(to)) return `nothing imports ${to}`;
  const row = allowed[area];
  if (row === undefined) return `"${area}" has no row in the import table (test/architecture/layers.ts)`;
  if (row.includes(to)) return null;
  if (kind === "dynamic" && light.includes(area) && onDemand.includes(to)) return null;
  if (to === "functions") return "nothing imports functions";
  return `${area} imports only ${["itself", ...row].join(", ")}`;
};

const adapterIsolation: Rule = ({ file, target }) => {
  const from = adapterOf(file);
  const to = target === null ? null : adapterOf(target);
  return from === null || to === null || from === to ? null : "an adapter never imports another adapter";
};

const corePurity: Rule = ({ specifier, target }, area) => {
  if (area !== "core" || target !== null || pure.includes(packageOf(specifier))) return null;
  return `core imports nothing with I/O (allowed: ${pure.join(", ")})`;
};

const clientPortability: Rule = ({ specifier }, area) => {
  return area === "client" && specifier.startsWith("node:") ? "client uses Web APIs only" : null;
};

const cloudSdk: Rule = ({ file, specifier, kind }) => {
  const cloud = clouds.find(({ packages }) => packages.test(specifier));
  if (cloud === undefined) return null;
  if (adapterOf(file) !== cloud.adapter) return `only adapters/${cloud.adapter} knows this cloud's SDK`;
  return kind === "static" ? "a cloud's SDK is loaded by import() when it is needed" : null;
};

/** `zod/mini` → zod, `@scope/name/path` → @scope/name. */
function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** A light area must not load a heavy one through others either; each path is reported where it starts. */
function reach(imports: readonly Import[]): string[] {
  const byFile = Map.groupBy(
    imports.filter(({ kind }) => kind !== "dynamic"),
    ({ file }) => file,
  );
  const starts = imports.filter(({ file, kind }) => kind !== "dynamic" && isIn(light, file));
  return starts.flatMap((start) => {
    const path = pathTo(start, byFile);
    if (path === null || path.length === 1) return [];
    const rule = `${areaOf(start.file)} never reaches ${heavy.join(", ")} except by import()`;
    return [`${describe(start, rule)} (by way of ${path.join(" → ")})`];
  });
}

/** The files from `start` to the first heavy one, not through other light ones: those answer for themselves. */
function pathTo(start: Import, byFile: ReadonlyMap<string, readonly Import[]>): string[] | null {
  const seen = new Set<string>();
  const queue: string[][] = start.target === null ? [] : [[start.target]];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const file = path.at(-1) ?? "";
    if (isIn(heavy, file)) return path;
    if (seen.has(file) || isIn(light, file)) continue;
    seen.add(file);
    for (const { target } of byFile.get(file) ?? []) if (target !== null) queue.push([...path, target]);
  }
  return null;
}

function isIn(areas: readonly string[], file: string): boolean {
  return areas.includes(areaOf(file) ?? "");
}
