import type { ExecutionState } from "../../runner/execution-watch.ts";
import { EXIT } from "../exit-code.ts";
import {
  BEAT_MS,
  type ChildMessage,
  GUARDED_VARIABLE,
  type GuardMessage,
  RESUME_VARIABLE,
} from "./supervision.ts";

/** An executing process's line to whoever watches it, and where it hears of Ctrl-C. */
export interface Supervisor {
  /** The run to go on with, when an earlier process died. */
  readonly resume: { readonly run: string; readonly after: number } | undefined;
  tellRunner(runner: string, dataDir: string): void;
  tellRun(run: string): void;
  tellState(state: ExecutionState): void;
  tellShown(seq: number): void;
  /** Calls back at Ctrl-C, instead of ending the process. */
  onInterrupt(react: (exitCode: number) => void): void;
  /** Ends the process. */
  exit(exitCode: number): never;
}

/** The line of this process. Without a guard it hears signals itself. */
export function connectSupervisor(): Supervisor {
  const isGuarded = process.env[GUARDED_VARIABLE] !== undefined && process.send !== undefined;
  let react: (exitCode: number) => void = (exitCode) => process.exit(exitCode);
  const send = (message: ChildMessage): void => {
    if (process.connected) process.send?.(message);
  };
  if (isGuarded) {
    // The guard hears the same Ctrl-C and passes it on once.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
    process.on("message", ({ signal }: GuardMessage) => react(codeOf(signal)));
    // Nobody watches any more.
    process.once("disconnect", () => process.exit(EXIT.failed));
    setInterval(() => send({ type: "beat" }), BEAT_MS).unref();
    process.channel?.unref();
  } else {
    let heard = 0;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        heard += 1;
        if (heard > 1) process.exit(codeOf(signal));
        react(codeOf(signal));
      });
    }
  }
  const [run, after] = (process.env[RESUME_VARIABLE] ?? "").split(" ");
  return {
    resume: run ? { run, after: Number(after ?? 0) } : undefined,
    tellRunner: (runner, dataDir) => send({ type: "runner", runner, dataDir }),
    tellRun: (id) => send({ type: "run", run: id }),
    tellState: (state) => send({ type: "state", ...state }),
    tellShown: (shown) => send({ type: "shown", shown }),
    onInterrupt: (next) => {
      react = next;
    },
    exit: (exitCode) => {
      send({ type: "done", exitCode });
      process.exit(exitCode);
    },
  };
}

function codeOf(signal: GuardMessage["signal"]): number {
  return signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
}
