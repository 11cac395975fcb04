import { readFileSync } from "node:fs";
import { GodwitError } from "../../core/errors.ts";

/** Reads `@path` from a file, `-` from stdin, and anything else as it is. */
export function readReference(text: string, flag: string): string {
  if (text === "-") return readFileSync(0, "utf8");
  if (text.startsWith("@@")) return text.slice(1);
  if (!text.startsWith("@")) return text;
  const path = text.slice(1);
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw unreadable(path, flag, error);
  }
}

function unreadable(path: string, flag: string, cause: unknown): GodwitError {
  return new GodwitError("FILE_NOT_FOUND", `${flag} names "${path}", which cannot be read`, {
    cause,
    hint: "Check the path; write `@@` for a text that starts with `@`.",
  });
}

/** JSON, with the place where it stops being JSON. */
export function parseJson(text: string, flag: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw notJson(text, flag, error as Error);
  }
}

/** JSON where the text is JSON, else the text itself. */
export function looseJson(given: string, flag: string): unknown {
  const text = readReference(given, flag);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function notJson(text: string, flag: string, cause: Error): GodwitError {
  return new GodwitError("FLAG_INVALID", `${flag} takes JSON, not ${quote(text)}: ${cause.message}`, {
    cause,
    hint: `Quote it for the shell, \`${flag} '{"a": 1}'\`, or put it into a file, \`${flag} @input.json\`.`,
  });
}

export function quote(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(shown);
}
