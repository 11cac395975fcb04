import { GodwitError } from "../core/errors.ts";
import { checkTextMap } from "./option-check.ts";
import {
  type CheckpointSlot,
  currentSession,
  sessionStorage,
  type TaskInfo,
  type TaskLog,
  type TaskSession,
} from "./session.ts";
import { SessionView } from "./session-view.ts";

/** What a running task knows about itself. */
export interface TaskContext extends TaskInfo {
  /** Fires on abort, at a time limit, on a spot notice, and when a waiting task is parked. */
  readonly signal: AbortSignal;
  /** Log of this attempt. @example ctx().log.info("loaded", { rows: 3 }) */
  readonly log: TaskLog;
  /** State that the next attempt of this task can load. */
  readonly checkpoint: CheckpointSlot;
  /**
   * Value of a secret that the task declares with `secrets`. @example ctx().secret("OPENAI_KEY")
   * @throws GodwitError SECRET_NOT_DECLARED
   */
  secret(name: string): string;
}

/**
 * The context of the running task.
 *
 * @example
 * const { attempt, signal, log } = ctx();
 * const done = (ctx().checkpoint.load() as number | undefined) ?? 0;
 * await ctx().checkpoint.save(done + 1);
 * @throws GodwitError NOT_IN_TASK outside a running task
 */
export function ctx(): TaskContext {
  const session = requireSession("ctx()");
  const { info, signal, log, checkpoint } = session;
  return { ...info, signal, log, checkpoint, secret: (name) => session.secret(name) };
}

/** The session, for functions that make no sense without one. @throws GodwitError NOT_IN_TASK */
export function requireSession(what: string): TaskSession {
  const session = currentSession();
  if (session !== undefined) return session;
  throw new GodwitError("NOT_IN_TASK", `${what} was called outside a running task`);
}

/**
 * Adds to the custom context of all tasks that `fn` calls and of their descendants. It is never part of a cache key
 * or of an action's identity. Outside a task it just calls `fn`; give `run` its `context` option there.
 *
 * @example
 * await withContext({ tenant: "acme" }, () => ingest(file)); // ctx().context.tenant in ingest and below
 * @returns what `fn` returns
 * @throws GodwitError OPTION_INVALID for a value that is not a text
 */
export function withContext<Result>(values: Readonly<Record<string, string>>, fn: () => Result): Result {
  const added = checkTextMap(values, "withContext");
  const session = currentSession();
  return session === undefined ? fn() : sessionStorage().run(new ContextView(session, added), fn);
}

class ContextView extends SessionView {
  readonly #info: TaskInfo;

  constructor(inner: TaskSession, added: Readonly<Record<string, string>>) {
    super(inner);
    this.#info = { ...inner.info, context: { ...inner.info.context, ...added } };
  }

  override get info(): TaskInfo {
    return this.#info;
  }
}
