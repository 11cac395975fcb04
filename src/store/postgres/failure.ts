import { GodwitError } from "../../core/errors.ts";

/**
 * What an error of the database means for the transaction it happened in.
 * - `conflict`: it collided with another transaction and was rolled back; it may be run again
 * - `stale`: the connection is no good any more (lost, or its server became a replica); another one may be
 * - `unreachable`, `busy`: there is no connection to be had
 * - `statement`: the statement itself is wrong
 */
export type Failure = "conflict" | "stale" | "unreachable" | "busy" | "statement";

const CONFLICT = new Set([
  "40001",
  "40P01",
  // Two sessions that create the same table at once collide, IF NOT EXISTS or not. Nothing else creates any.
  "42P07",
  "42710",
]);
const STALE = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "ECONNRESET",
  "EPIPE",
  // The server shuts down, or ended the session because it had been idle inside a transaction.
  "57P01",
  "57P02",
  "25P03",
  // Read-only: the server was demoted to a replica while this connection was open.
  "25006",
]);
const UNREACHABLE = new Set([
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "ENOENT",
  "57P03",
  "3D000",
  "28000",
  "28P01",
  "SASL_SIGNATURE_MISMATCH",
]);
/** A prepared statement that is not there, or is there already: somebody between us and the server mixes sessions. */
const POOLED = new Set(["26000", "42P05"]);

interface DatabaseError {
  readonly code?: string;
  readonly message?: string;
  readonly schema_name?: string;
  readonly errors?: readonly { readonly message: string }[];
}

export function isReadOnly(error: unknown): boolean {
  return (error as DatabaseError | null)?.code === "25006";
}

export function failureOf(error: unknown): Failure {
  const { code = "", message = "", schema_name } = (error ?? {}) as DatabaseError;
  if (CONFLICT.has(code)) return "conflict";
  // The same collision, a moment earlier.
  if (code === "23505" && schema_name === "pg_catalog") return "conflict";
  if (STALE.has(code) || code.startsWith("08")) return "stale";
  // A migration changed a table under a prepared statement; a new connection prepares it anew.
  if (code === "0A000" && message.includes("cached plan")) return "stale";
  if (UNREACHABLE.has(code)) return "unreachable";
  return code === "53300" || code === "53400" ? "busy" : "statement";
}

/** The error that callers see; a statement's own error stays what it is. */
export function toStoreError(error: unknown, label: string): unknown {
  if (error instanceof GodwitError) return error;
  const { code = "", message = "", errors } = (error ?? {}) as DatabaseError;
  const reason = message || errors?.map((one) => one.message).join("; ") || code;
  if (POOLED.has(code)) {
    return new GodwitError(
      "STORE_UNAVAILABLE",
      `PostgreSQL at ${label} lost a prepared statement: ${reason}`,
      {
        cause: error,
        hint: "Behind a pooler in transaction mode, add `?prepare=false` to the database URL.",
      },
    );
  }
  switch (failureOf(error)) {
    case "statement":
      return error;
    case "busy":
      return new GodwitError("STORE_BUSY", `PostgreSQL at ${label} takes no more connections: ${reason}`, {
        cause: error,
      });
    case "conflict":
      return new GodwitError("STORE_BUSY", `PostgreSQL at ${label} gave up on a transaction: ${reason}`, {
        cause: error,
      });
    case "stale":
    case "unreachable":
      return new GodwitError("STORE_UNAVAILABLE", `PostgreSQL at ${label} cannot be used: ${reason}`, {
        cause: error,
      });
  }
}
