import type { ZodError } from "zod";
import { GodwitError } from "../core/errors.ts";

/** Where in a request zod found something wrong, in the words of its users. */
const PLACES: Readonly<Record<string, string>> = {
  json: "body",
  query: "query parameter",
  param: "path parameter",
  header: "header",
};

const MOST_ISSUES = 20;

/** A path as a JSON Pointer. */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Refuses a request whose body, query or path does not match its schema. */
export function refuseMismatch(
  result: { readonly target: string } & (
    | { readonly success: true }
    | { readonly success: false; readonly error: ZodError }
  ),
): void {
  if (result.success) return;
  const place = PLACES[result.target] ?? result.target;
  const issues = result.error.issues.slice(0, MOST_ISSUES).map(({ path, message }) => ({
    pointer: pointerOf(path),
    message: result.target === "json" ? message : `${place}: ${message}`,
  }));
  const [first] = issues;
  const at = first?.pointer === "" ? place : `${place} ${first?.pointer}`;
  const message =
    result.target === "json" ? `${at}: ${first?.message}` : `${first?.pointer}: ${first?.message}`;
  throw new GodwitError("INVALID_REQUEST", message, { details: { issues } });
}
