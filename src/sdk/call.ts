import type { CallOptions } from "../core/call.ts";
import { actionAfter, failedAction, plainAction } from "./action-promise.ts";
import { type CallTarget, invokeTask, type TaskDefinition } from "./definition.ts";
import { startRun } from "./run.ts";
import { parseWith } from "./schema.ts";
import { type ActionPromise, currentSession, type TaskSession } from "./session.ts";

/**
 * Calls a task: a durable action inside a running task. Outside it is the plain function, or, where the code is
 * elsewhere, the result of a run of its own.
 *
 * An input that the schema refuses is the outcome of the promise, before anything is issued. The action's identity
 * is that of the input as given; the callee parses it again.
 *
 * @param extra options of this very call, such as the number of its `map`
 */
export function callTask(target: CallTarget, input: unknown, extra?: CallOptions): ActionPromise<unknown> {
  const session = currentSession();
  if (session === undefined) return callOutside(target, input);
  const issue = (): ActionPromise<unknown> => issueCall(session, target, input, extra);
  if (target.input === undefined) return issue();
  try {
    const parsed = parseWith(target.input, input, { kind: "input", of: target.name });
    if (parsed instanceof Promise) return actionAfter(parsed, issue);
  } catch (error) {
    return failedAction(error);
  }
  return issue();
}

function callOutside(target: CallTarget, input: unknown): ActionPromise<unknown> {
  if (isHere(target)) return plainAction(() => invokeTask(target, input));
  const started = startRun(target, input, {});
  const result = async (): Promise<unknown> => (await started).result();
  // The caller has been told already: a run that cannot be aborted either never began or ends by itself.
  return plainAction(
    result,
    (reason) => void started.then((run) => run.abort(reason)).catch(() => undefined),
  );
}

function isHere(target: CallTarget): target is TaskDefinition {
  return "fn" in target;
}

function issueCall(
  session: TaskSession,
  target: CallTarget,
  input: unknown,
  extra: CallOptions | undefined,
): ActionPromise<unknown> {
  const { context } = session.info;
  const options = extra === undefined ? target.options : { ...target.options, ...extra };
  return session.call({
    task: target.name,
    input,
    options: isEmpty(context) ? options : { ...options, context },
  });
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}
