import { readFileSync, statSync } from "node:fs";
import { GodwitError } from "../core/errors.ts";
import { type ConfigFile, describeSource } from "./layer.ts";
import type { Resolved } from "./resolve.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** The token itself, where the configuration names the file or the variable that holds it. @throws GodwitError CONFIG_INVALID */
export function readToken({ value, via, source }: Resolved, env: Variables): string | undefined {
  if (value === undefined || via === undefined) return value;
  const from = describeSource(source);
  if (via === "variable") {
    const text = env[value];
    if (text) return text;
    throw new GodwitError("CONFIG_INVALID", `${from}: \`tokenEnv\` names ${value}, which is not set`, {
      hint: `Set ${value}, or change the line.`,
    });
  }
  const text = readText(value, `${from}: \`tokenFile\` names ${value}, which`).trim();
  if (text !== "" && !/\s/.test(text)) return text;
  const what = text === "" ? "is empty" : "holds more than one word";
  throw new GodwitError("CONFIG_INVALID", `${from}: \`tokenFile\` names ${value}, which ${what}`, {
    hint: "Put the key alone into the file: `godwit create key <name> --scope admin > <file>`.",
  });
}

/** What is to be said of tokens that stand in a file themselves. */
export function tokenWarnings({ path, top, profiles }: ConfigFile, owner: "project" | "user"): string[] {
  const token = [top, ...profiles.values()].find(
    (layer) => layer.token?.via === undefined && layer.token,
  )?.token;
  if (token === undefined) return [];
  const place = describeSource(token.source);
  if (owner === "project") {
    return [
      `${place}: a token in the file of a project ends up in version control; ` +
        "write `tokenEnv`, or keep it in your own file (`godwit create config --user`)",
    ];
  }
  const isOpen = process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0;
  return isOpen ? [`${place}: others may read this token; run \`chmod 600 ${path}\``] : [];
}

/** A file that has to be there. @throws GodwitError CONFIG_INVALID */
export function readText(path: string, subject: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GodwitError("CONFIG_INVALID", `${subject} cannot be read: ${reason}`, {
      cause: error,
      hint: "Check that the file exists and that you may read it.",
    });
  }
}
