import { type ChildMessage, GUARDED_VARIABLE } from "./local/supervision.ts";
import { openTerminal } from "./terminal.ts";

/** The command line. Gives the exit code; a process that executed tasks is ended by its verb. */
export async function main(args: readonly string[]): Promise<number> {
  endQuietlyWhenNobodyReads();
  if (process.env[GUARDED_VARIABLE] === undefined) {
    const { needsGuard } = await import("./local/needs-guard.ts");
    if (await needsGuard(args)) return (await import("./local/guard.ts")).guard(args);
  }
  const terminal = openTerminal();
  const { execute } = await import("./execute.ts");
  const exitCode = await execute(terminal, args);
  tellGuard(exitCode);
  return exitCode;
}

/** A guarded process says that it ends on purpose, and lets go of its guard, which would hold it. */
function tellGuard(exitCode: number): void {
  if (process.env[GUARDED_VARIABLE] === undefined || process.send === undefined) return;
  const done: ChildMessage = { type: "done", exitCode };
  process.send(done, () => process.disconnect());
}

/** `godwit get runs | head` closes the pipe early. */
function endQuietlyWhenNobodyReads(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}
