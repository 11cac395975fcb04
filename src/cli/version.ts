import { readFileSync } from "node:fs";
import { findGodwit } from "../bundle/godwit-package.ts";

/** The version of this package. */
export function version(): string {
  const { folder } = findGodwit(import.meta.dirname);
  return (JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as { readonly version: string }).version;
}
