import { type ChildProcess, fork } from "node:child_process";
import { GodwitError } from "../../core/errors.ts";
import { EXIT, exitCodeOf } from "../exit-code.ts";
import { reportError } from "../report-error.ts";
import { openTerminal, TERMINAL_VARIABLE, terminalSize } from "../terminal.ts";
import { Deathbed } from "./deathbed.ts";
import { type ChildMessage, GUARDED_VARIABLE, type GuardMessage, RESUME_VARIABLE } from "./supervision.ts";

/** Without a beat for this long, the event loop of the child stands still. */
const STILL_MS = 1_500;
/** A limit is the child's own affair for this long after it has passed. */
const LIMIT_GRACE_MS = 1_000;
const LOOK_MS = 250;
/** A child that dies this often without having been given anything to do is not started again. */
const MAX_IDLE_DEATHS = 3;

/** What is known of one child. */
interface Watched {
  runner: string | undefined;
  dataDir: string | undefined;
  run: string | undefined;
  shown: number;
  beatMs: number;
  mustEndMs: number | null;
  hasUnknown: boolean;
  doneCode: number | undefined;
  isOverdue: boolean;
}

/**
 * Runs the command in a child process and watches it. When a task takes the process with it (out of memory, an endless
 * loop past its time limit), the task is blamed in the store and another child goes on with the run.
 */
export async function guard(args: readonly string[]): Promise<number> {
  const interrupts = new Interrupts();
  let resume = "";
  for (let idleDeaths = 0; idleDeaths < MAX_IDLE_DEATHS; ) {
    const { watched, death } = await runChild(args, resume, interrupts);
    if (death === null) return watched.doneCode ?? EXIT.failed;
    try {
      const outcome = await death.bury(watched, interrupts.exitCode);
      if (outcome.exitCode !== undefined) return outcome.exitCode;
      tellDeath(death, watched, args);
      idleDeaths = outcome.hadWork ? 0 : idleDeaths + 1;
      resume = `${watched.run} ${watched.shown}`;
    } catch (error) {
      return tell(error);
    }
  }
  return tell(new GodwitError("PROCESS_EXITED", "the process that executes the run dies again and again"));
}

/** The user sees that something took the process with it before the run says what it was. */
function tellDeath(death: Deathbed, watched: Watched, args: readonly string[]): void {
  const terminal = openTerminal();
  terminal.note(
    terminal.paint(
      "yellow",
      `the process that executes the run died (${death.causeOf(watched).detail}); another goes on`,
    ),
  );
  if (args.includes("-v") || args.includes("--verbose"))
    terminal.note(terminal.paint("dim", death.lastWords));
}

function tell(error: unknown): number {
  reportError(openTerminal(), error, { isVerbose: false });
  return exitCodeOf(error);
}

/** Hears Ctrl-C for the child: once it asks, twice it forces. */
class Interrupts {
  exitCode: number | undefined;
  #child: ChildProcess | undefined;

  constructor() {
    process.on("SIGINT", () => this.#hear("SIGINT", EXIT.interrupted));
    process.on("SIGTERM", () => this.#hear("SIGTERM", EXIT.terminated));
    process.on("SIGHUP", () => this.#hear("SIGTERM", EXIT.terminated));
  }

  watch(child: ChildProcess | undefined): void {
    this.#child = child;
  }

  #hear(signal: GuardMessage["signal"], exitCode: number): void {
    const isAgain = this.exitCode !== undefined;
    this.exitCode = exitCode;
    if (isAgain) this.#child?.kill("SIGKILL");
    else if (this.#child?.connected) this.#child.send({ type: "interrupt", signal } satisfies GuardMessage);
  }
}

function runChild(
  args: readonly string[],
  resume: string,
  interrupts: Interrupts,
): Promise<{ watched: Watched; death: Deathbed | null }> {
  const size = terminalSize();
  const env: NodeJS.ProcessEnv = { ...process.env, [GUARDED_VARIABLE]: "1", [RESUME_VARIABLE]: resume };
  if (size !== undefined) env[TERMINAL_VARIABLE] = size;
  // stderr passes through here, so that the last words of V8 can be read and kept from the user's terminal.
  const stdio = ["inherit", "inherit", "pipe", "ipc"] as const;
  const child = fork(process.argv[1] ?? "", [...args], { env, stdio: [...stdio] });
  const deathbed = new Deathbed();
  child.stderr?.on("data", (chunk: Buffer) => process.stderr.write(deathbed.hear(chunk)));
  interrupts.watch(child);
  const watched = watch(child);
  const timer = setInterval(() => endWhenOverdue(child, watched), LOOK_MS);
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearInterval(timer);
      interrupts.watch(undefined);
      if (watched.doneCode !== undefined) return resolve({ watched, death: null });
      deathbed.end(code, signal);
      resolve({ watched, death: deathbed });
    });
  });
}

function watch(child: ChildProcess): Watched {
  const watched: Watched = {
    runner: undefined,
    dataDir: undefined,
    run: undefined,
    shown: 0,
    beatMs: Date.now(),
    mustEndMs: null,
    hasUnknown: false,
    doneCode: undefined,
    isOverdue: false,
  };
  child.on("message", (message: ChildMessage) => {
    watched.beatMs = Date.now();
    if (message.type === "done") watched.doneCode = message.exitCode;
    else Object.assign(watched, { ...message, type: undefined });
  });
  return watched;
}

/** What a child with a turning event loop does itself has to be done for it when the loop stands still. */
function endWhenOverdue(child: ChildProcess, watched: Watched): void {
  const nowMs = Date.now();
  const isStill = nowMs - watched.beatMs > STILL_MS;
  const isOverdue = watched.mustEndMs !== null && nowMs > watched.mustEndMs + LIMIT_GRACE_MS;
  if (!isStill || !isOverdue) return;
  watched.isOverdue = true;
  child.kill("SIGKILL");
}
