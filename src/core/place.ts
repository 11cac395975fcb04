import { GodwitError } from "./errors.ts";

/** The project of whatever names none. */
export const DEFAULT_PROJECT = "default";
/** The domain of whatever names none. */
export const DEFAULT_DOMAIN = "development";

/**
 * What names of projects and domains look like. They become parts of paths and keys, so they hold nothing that a file
 * system takes for a path, and no upper case, which some file systems do not tell apart from lower case.
 */
export const PLACE_NAME: RegExp = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** The same in words, to go after the name of a field. */
export const PLACE_RULE =
  "must have at most 63 lower-case letters, digits, `.`, `_` and `-`, and begin with a letter or digit";

/** The name of a project, as it was given. @throws GodwitError PROJECT_INVALID */
export function checkProject(name: string, from: string): string {
  if (PLACE_NAME.test(name)) return name;
  throw new GodwitError("PROJECT_INVALID", `the project ${quote(name)} (${from}) ${PLACE_RULE}`, {
    ...hintFor(name),
  });
}

/** The name of a domain, as it was given. @throws GodwitError DOMAIN_INVALID */
export function checkDomain(name: string, from: string): string {
  if (PLACE_NAME.test(name)) return name;
  throw new GodwitError("DOMAIN_INVALID", `the domain ${quote(name)} (${from}) ${PLACE_RULE}`, {
    ...hintFor(name),
  });
}

/** A name that is allowed and close to the one that was meant. */
function hintFor(name: string): { readonly hint?: string } {
  const close = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "")
    .slice(0, 63);
  return PLACE_NAME.test(close) ? { hint: `Write \`${close}\`.` } : {};
}

function quote(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
}
