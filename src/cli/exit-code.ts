import { type ErrorCode, errorRow } from "../core/error-table.ts";
import { GodwitError } from "../core/errors.ts";
import type { TerminalPhase } from "../core/phase.ts";

/** What a command tells the shell. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  auth: 4,
  unreachable: 5,
  timedOut: 6,
  conflict: 7,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Exit codes that the HTTP status of a code does not tell. */
const BY_CODE: { readonly [Code in ErrorCode]?: ExitCode } = {
  // The user's own code threw before anything was started.
  MODULE_LOAD_FAILED: EXIT.failed,
  PORT_IN_USE: EXIT.conflict,
  TASK_DUPLICATE: EXIT.usage,
  ENVIRONMENT_DUPLICATE: EXIT.usage,
  DEPENDENCY_MISSING: EXIT.usage,
  ABORTED: EXIT.conflict,
};

const BY_STATUS: Readonly<Record<number, ExitCode>> = {
  401: EXIT.auth,
  403: EXIT.auth,
  404: EXIT.notFound,
  408: EXIT.timedOut,
  409: EXIT.conflict,
};

/** The exit code of a command that failed. */
export function exitCodeOf(error: unknown): ExitCode {
  // A bug of ours, not of the user's command.
  if (!(error instanceof GodwitError)) return EXIT.unreachable;
  const { status } = errorRow(error.code);
  const known = BY_CODE[error.code] ?? BY_STATUS[status];
  if (known !== undefined) return known;
  return status >= 500 ? EXIT.unreachable : EXIT.usage;
}

/** The exit code of a command that waited for a run. */
export function exitCodeOfRun(phase: TerminalPhase): ExitCode {
  switch (phase) {
    case "succeeded":
    case "recovered":
      return EXIT.ok;
    case "failed":
      return EXIT.failed;
    case "timed_out":
      return EXIT.timedOut;
    case "aborted":
      return EXIT.conflict;
  }
}
