import { relative, resolve } from "node:path";
import type { SourcePlace } from "./definition-place.ts";

/** `src/tasks.ts:12:5`, as whoever stands in the current directory would write it. */
export function shownPlace(root: string, { path, line, column }: SourcePlace): string {
  return `${relative(process.cwd(), resolve(root, path))}:${line}:${column}`;
}
