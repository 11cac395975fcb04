import { GodwitError } from "../core/errors.ts";

export type LogLevel = "info" | "warn" | "error";

/** Writes one line of JSON to stderr, for whoever collects the output of a process. */
export function logLine(
  level: LogLevel,
  message: string,
  more: { readonly requestId?: string; readonly error?: unknown } = {},
): void {
  const { requestId, error } = more;
  const line = {
    time: new Date().toISOString(),
    level,
    message,
    ...(requestId !== undefined && requestId !== "" && { requestId }),
    ...(error !== undefined && {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }),
  };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

/** Says in one line why the process ends, and has it end with an exit code. */
export function failProcess(error: unknown): void {
  if (error instanceof GodwitError) logLine("error", `${error.code}: ${error.message}. ${error.hint}`);
  else logLine("error", error instanceof Error ? error.message : String(error), { error });
  process.exitCode = 1;
}
