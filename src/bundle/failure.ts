import type { BuildFailure, Message } from "esbuild";
import { GodwitError } from "../core/errors.ts";
import { keepOutside } from "./native.ts";
import { packageFolder, packageOf, packageOfImport } from "./package-folder.ts";
import { shownPlace } from "./shown-place.ts";

/** One complaint of the bundler. */
export interface BundleIssue {
  /** Path as the user would write it, with line and column (both from 1); empty without a place. */
  readonly place: string;
  readonly message: string;
  /** The line of source, and the column (from 0) it is about. */
  readonly source: string;
  readonly column: number;
}

/** What esbuild threw as BUNDLE_FAILED, with `details: { issues: BundleIssue[] }`. */
export function bundleFailure(error: unknown, root: string): unknown {
  const messages = (error as Partial<BuildFailure>).errors;
  if (!Array.isArray(messages) || messages.length === 0) return error;
  const issues = (messages as Message[]).map((message) => issueOf(message, root));
  const [first] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  const text =
    first === undefined ? "" : [first.place, first.message].filter((part) => part !== "").join(": ");
  return new GodwitError("BUNDLE_FAILED", text + more, {
    details: { issues },
    hint: hintFor((messages as Message[])[0]),
  });
}

function issueOf({ location, text }: Message, root: string): BundleIssue {
  if (location === null) return { place: "", message: sentence(text), source: "", column: 0 };
  const { file: path, line, column } = location;
  return {
    place: shownPlace(root, { path, line, column: column + 1 }),
    message: sentence(text),
    source: location.lineText,
    column: location.column,
  };
}

const NO_LOADER = /^No loader is configured for "(\.[^"]*)" files: (.*)$/;

/** esbuild speaks of loaders, which nobody here configures. */
function sentence(text: string): string {
  const [, extension, path = ""] = NO_LOADER.exec(text) ?? [];
  if (extension === undefined) return text;
  if (extension === ".node") return `${packageOf(path)} has a native add-on, which cannot be bundled`;
  return `${path} cannot be bundled: an import takes JavaScript, TypeScript or JSON`;
}

function hintFor(message: Message | undefined): string {
  const text = message?.text ?? "";
  const [, , unloadable] = NO_LOADER.exec(text) ?? [];
  if (unloadable !== undefined) {
    return packageFolder(unloadable) === null
      ? "Read the file at run time, or put its content into a module."
      : keepOutside(packageOf(unloadable));
  }
  const missing = /^Could not resolve "([^"]+)"/.exec(text)?.[1];
  if (missing === undefined) return "Fix the source and run again.";
  if (/^[./]/.test(missing)) return "Check the path; imports of files need their extension.";
  return `Install it: \`npm install ${packageOfImport(missing)}\`.`;
}
