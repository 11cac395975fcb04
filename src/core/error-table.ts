import { BLOB_ERRORS } from "./error-table/blob.ts";
import { CLI_ERRORS } from "./error-table/cli.ts";
import { CONTROL_PLANE_ERRORS } from "./error-table/control-plane.ts";
import { DEFINITION_ERRORS } from "./error-table/definition.ts";
import { SECRET_ERRORS } from "./error-table/secret.ts";
import { TASK_ERRORS } from "./error-table/task.ts";
import { VALUE_ERRORS } from "./error-table/value.ts";

/**
 * Whose fault an error is. `user` failures spend the retries of the task, `system` failures a budget of their own,
 * `usage` errors are answered to whoever asked, `unknown` is what a newer version sent.
 *
 * @example ERRORS.OUT_OF_MEMORY.kind // "user"
 */
export type ErrorKind = "user" | "system" | "usage" | "unknown";

/**
 * One row of the error table: all that the SDK, the HTTP API, the CLI and the docs say about a code.
 *
 * @example const { status, title }: ErrorRow = ERRORS.RUN_NOT_FOUND;
 */
export interface ErrorRow {
  readonly kind: ErrorKind;
  /** Whether trying the same thing again can help, when nothing else is known. */
  readonly retryable: boolean;
  /** The HTTP status it is answered with. */
  readonly status: number;
  readonly title: string;
  /** What to do next, as one sentence. */
  readonly hint: string;
}

/**
 * Stable name of an error. Codes are never reused; new ones may be added in any release.
 *
 * @example if (error.code === "OUT_OF_MEMORY") …
 */
export type ErrorCode =
  | keyof typeof DEFINITION_ERRORS
  | keyof typeof VALUE_ERRORS
  | keyof typeof TASK_ERRORS
  | keyof typeof BLOB_ERRORS
  | keyof typeof SECRET_ERRORS
  | keyof typeof CONTROL_PLANE_ERRORS
  | keyof typeof CLI_ERRORS;

/**
 * The areas of the table in the order in which the reference lists them.
 *
 * @example for (const [area, rows] of Object.entries(ERROR_AREAS)) …
 */
export const ERROR_AREAS: Readonly<Record<string, Readonly<Record<string, ErrorRow>>>> = {
  "Definition mistakes": DEFINITION_ERRORS,
  "Inputs, outputs and values": VALUE_ERRORS,
  "Running tasks": TASK_ERRORS,
  "Files and blobs": BLOB_ERRORS,
  "Secrets and identity": SECRET_ERRORS,
  "Control plane": CONTROL_PLANE_ERRORS,
  "Command line": CLI_ERRORS,
};

/**
 * Every error Godwit reports. One row gives the class, the HTTP problem, the CLI line and the docs entry.
 *
 * @example ERRORS.RUN_NOT_FOUND.status // 404
 */
export const ERRORS: { readonly [Code in ErrorCode]: ErrorRow } = {
  ...DEFINITION_ERRORS,
  ...VALUE_ERRORS,
  ...TASK_ERRORS,
  ...BLOB_ERRORS,
  ...SECRET_ERRORS,
  ...CONTROL_PLANE_ERRORS,
  ...CLI_ERRORS,
};

/**
 * The row of a code that may come from a newer version; an unknown code gets a row that promises nothing.
 *
 * @example errorRow("RUN_NOT_FOUND").status // 404
 */
export function errorRow(code: string): ErrorRow {
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : UNKNOWN;
}

const UNKNOWN: ErrorRow = {
  kind: "unknown",
  retryable: false,
  status: 500,
  title: "An error this version does not know",
  hint: "Upgrade Godwit to the version that reported it.",
};
