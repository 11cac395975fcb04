import { AsyncLocalStorage } from "node:async_hooks";
import type { Session } from "./session.ts";

/** An execution of user code. */
export interface Execution {
  readonly session: Session;
  /** Resolves when the coordinator knows its lease, which a runner that starts a call itself tells it a little later. */
  whenKnown(): Promise<void>;
}

/** The execution that is running; unlike the SDK's storage it is never wrapped, and only the runner sees it. */
const executing = new AsyncLocalStorage<Execution>();

/** The execution that the current call stack belongs to. */
export function currentExecution(): Execution | undefined {
  return executing.getStore();
}

/** The session that the current call stack belongs to. */
export function executingSession(): Session | undefined {
  return executing.getStore()?.session;
}

/** Runs user code as part of an execution. */
export function enterExecution<Result>(execution: Execution, run: () => Result): Result {
  return executing.run(execution, run);
}

type Write = typeof process.stdout.write;

/**
 * Sends what user code prints to the log of its action. With `tee` it also reaches the terminal. Output of code that
 * belongs to no session passes through. Returns what undoes it.
 */
export function captureConsole(options: { readonly tee: boolean }): () => void {
  const undo = (["stdout", "stderr"] as const).map((name) => {
    const stream = process[name];
    const original = stream.write;
    const write = original.bind(stream) as Write;
    const captured = (chunk: unknown, encoding?: unknown, done?: unknown): boolean => {
      const session = executingSession();
      if (session === undefined || session.isOver)
        return write(shown(session, chunk) as string, encoding as BufferEncoding, done as () => void);
      session.lines.print(name, textOf(chunk));
      if (options.tee)
        return write(shown(session, chunk) as string, encoding as BufferEncoding, done as () => void);
      const callback = typeof encoding === "function" ? encoding : done;
      if (typeof callback === "function") queueMicrotask(() => callback());
      return true;
    };
    stream.write = captured as Write;
    return () => {
      stream.write = original;
    };
  });
  return () => {
    for (const restore of undo) restore();
  };
}

/** A chunk as it may reach the terminal, which may be the log of a cloud: without the secrets of tasks. */
function shown(session: Session | undefined, chunk: unknown): unknown {
  const redactor = session?.lines.redactor;
  return redactor?.isActive === true ? redactor.text(textOf(chunk)) : chunk;
}

function textOf(chunk: unknown): string {
  return typeof chunk === "string" ? chunk : Buffer.from(chunk as Uint8Array).toString("utf8");
}
