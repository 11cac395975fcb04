import { GodwitError } from "../core/errors.ts";
import { failed } from "../core/outcome.ts";
import { executingSession } from "./console.ts";

/**
 * Turns what would end the process into the failure of the task that did it: `process.exit`, errors thrown from
 * timers and event handlers, and rejections that nobody handles. What belongs to no task keeps its usual effect.
 * Returns what undoes it.
 */
export function guardProcess(): () => void {
  const { exit } = process;
  process.exit = ((code?: number | string | null): never => {
    const session = executingSession();
    if (session === undefined) return exit.call(process, code);
    const { task, action } = session.grant;
    const error = new GodwitError("PROCESS_EXITED", `${task} called process.exit(${code ?? ""})`, {
      task,
      action,
      // The task did it: no other runner would do better.
      kind: "user",
    });
    session.end(failed(error, { task, action }));
    // Code after process.exit must not run; whoever catches this has no effect any more, the session is over.
    throw error;
  }) as typeof process.exit;
  const onStray = (error: unknown): void => {
    const session = executingSession();
    if (session === undefined) {
      process.off("uncaughtException", onStray);
      throw error;
    }
    const { task, action } = session.grant;
    session.end(failed(error, { task, action }));
  };
  const onRejection = (reason: unknown): void => onStray(reason);
  process.on("uncaughtException", onStray);
  process.on("unhandledRejection", onRejection);
  return () => {
    process.exit = exit;
    process.off("uncaughtException", onStray);
    process.off("unhandledRejection", onRejection);
  };
}
