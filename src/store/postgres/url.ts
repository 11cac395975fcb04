import { GodwitError } from "../../core/errors.ts";

export interface PostgresUrl {
  /** What the client library understands. */
  readonly url: string;
  /** The same without password and parameters, for messages. */
  readonly label: string;
  /** What the URL says about prepared statements, if anything. */
  readonly prepare: boolean | undefined;
}

/** Parameters that other clients understand; sent to the server, they would refuse the connection. */
const FOREIGN = ["prepare", "pgbouncer", "channel_binding", "connection_limit", "pool_timeout"];

/** Reads a `postgres://` URL: takes out the parameters that are meant for clients, and masks the password. */
export function parsePostgresUrl(text: string): PostgresUrl {
  const label = maskPassword(text);
  const [base, query] = splitOnce(text, "?");
  const parameters = new URLSearchParams(query);
  const prepare = parameters.get("pgbouncer") === "true" ? false : flag(parameters.get("prepare"));
  for (const name of FOREIGN) parameters.delete(name);
  const url = parameters.size === 0 ? base : `${base}?${parameters}`;
  // Several hosts, separated by commas, are allowed; a URL has one.
  if (!URL.canParse(base.replace(/,[^/]*/, "")) || hasStrayAt(text)) {
    throw new GodwitError("CONFIG_INVALID", `the database URL ${label} cannot be read`, {
      hint: "Write postgres://user:password@host:5432/database; encode special characters of the password.",
    });
  }
  return { url, label, prepare };
}

function flag(value: string | null): boolean | undefined {
  return value === null ? undefined : value !== "false" && value !== "0";
}

/** Cuts at the last `@`, so that nothing of a badly encoded password is left. */
function maskPassword(text: string): string {
  const at = text.lastIndexOf("@");
  const scheme = text.slice(0, text.indexOf("://") + 3);
  if (at === -1) return splitOnce(text, "?")[0];
  const [user] = splitOnce(text.slice(scheme.length, at), ":");
  return `${scheme}${user}:***@${splitOnce(text.slice(at + 1), "?")[0]}`;
}

/** A `/`, `?` or `#` in a password that was not encoded: the rest of the password would be taken for something else. */
function hasStrayAt(text: string): boolean {
  const authority = /^[^:]*:\/\/[^/?#]*/.exec(text)?.[0] ?? "";
  return text.lastIndexOf("@") >= authority.length;
}

function splitOnce(text: string, separator: string): [before: string, after: string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
