import { pathToFileURL } from "node:url";

/**
 * Where the sources of a bundle are said to be, since a bundle may not know the machine it was made on: its map says
 * `godwit:///src/tasks.ts`. Where the project is at hand, the map is pointed at its files.
 */
export const SOURCE_ROOT = "godwit:///";

const COMMENT = "//# sourceMappingURL=data:application/json;base64,";

/** A module with its source map inline. */
export function attachSourceMap(script: string, map: string): string {
  const end = script.endsWith("\n") ? "" : "\n";
  return `${script}${end}${COMMENT}${Buffer.from(map).toString("base64")}\n`;
}

/** The source map of a module, as JSON; an empty one when it has none. */
export function readSourceMap(code: string): string {
  const at = code.lastIndexOf(COMMENT);
  if (at < 0) return '{"version":3,"sources":[],"names":[],"mappings":""}';
  return Buffer.from(code.slice(at + COMMENT.length), "base64").toString();
}

/** The same module with a source map that points into `folder`, so that stacks and breakpoints name real files. */
export function pointSourceMap(code: string, folder: string): string {
  const map = JSON.parse(readSourceMap(code)) as { readonly sourceRoot?: string };
  if (map.sourceRoot !== SOURCE_ROOT) return code;
  const sourceRoot = `${pathToFileURL(folder).href}/`;
  return attachSourceMap(code.slice(0, code.lastIndexOf(COMMENT)), JSON.stringify({ ...map, sourceRoot }));
}
