import { isAbsolute, relative } from "node:path";
import { fileURLToPath } from "node:url";

const FRAME = /^\s*at (?:async )?(?:(.*) \()?(.+?):(\d+):(\d+)\)?$/;
const OURS = /(^|\/)(node_modules\/godwit|godwit)\/(src|dist)\/|godwit-entry\.ts$/;
const SHOWN_FRAMES = 6;

/** The frames of a stack that are the user's own code, as `at name (file:line:column)` with paths as the user writes them. */
export function userFrames(stack: string | undefined): string[] {
  const frames = (stack ?? "").split("\n").flatMap((line) => frameOf(line) ?? []);
  return frames.slice(0, SHOWN_FRAMES);
}

function frameOf(line: string): string | undefined {
  const [, name, place = "", row, column] = FRAME.exec(line) ?? [];
  if (row === undefined || place.startsWith("node:")) return undefined;
  const path = pathOf(place);
  if (path === undefined) return undefined;
  const where = `${path}:${row}:${column}`;
  const shown = name?.replace(/^Object\./, "");
  return shown === undefined || shown === "<anonymous>" ? `at ${where}` : `at ${shown} (${where})`;
}

/** Undefined for Godwit's own files and for those of other packages. */
function pathOf(place: string): string | undefined {
  const path = place.startsWith("file:") ? fileURLToPath(place) : place.replace(/^godwit:\/\/\//, "");
  if (OURS.test(path) || isOwnFile(path) || path.includes("/node_modules/")) return undefined;
  if (!isAbsolute(path)) return path;
  const shown = relative(process.cwd(), path);
  return shown.startsWith("../../..") ? path : shown;
}

const OWN_FOLDERS = ["../", "../../adapters/", "../../bin/"].map((folder) =>
  fileURLToPath(new URL(folder, import.meta.url)),
);

function isOwnFile(path: string): boolean {
  return OWN_FOLDERS.some((folder) => path.startsWith(folder));
}
