import type { CallOptions } from "../core/call.ts";
import { actionAfter, failedAction, plainAction } from "./action-promise.ts";
import { invokeTask, type TaskDefinition } from "./definition.ts";
import { parseWith } from "./schema.ts";
import { type ActionPromise, currentSession, type TaskSession } from "./session.ts";

/**
 * Calls a task: a durable action inside a running task, the plain function outside.
 *
 * An input that the schema refuses is the outcome of the promise, before anything is issued. The action's identity
 * is that of the input as given; the callee parses it again.
 *
 * @param extra options of this very call, such as the number of its `map`
 */
export function callTask(
  definition: TaskDefinition,
  input: unknown,
  extra?: CallOptions,
): ActionPromise<unknown> {
  const session = currentSession();
  if (session === undefined) return plainAction(() => invokeTask(definition, input));
  const issue = (): ActionPromise<unknown> => issueCall(session, definition, input, extra);
  if (definition.input === undefined) return issue();
  try {
    const parsed = parseWith(definition.input, input, { kind: "input", of: definition.name });
    if (parsed instanceof Promise) return actionAfter(parsed, issue);
  } catch (error) {
    return failedAction(error);
  }
  return issue();
}

function issueCall(
  session: TaskSession,
  definition: TaskDefinition,
  input: unknown,
  extra: CallOptions | undefined,
): ActionPromise<unknown> {
  const { context } = session.info;
  const options = extra === undefined ? definition.options : { ...definition.options, ...extra };
  return session.call({
    task: definition.name,
    input,
    options: isEmpty(context) ? options : { ...options, context },
  });
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}
