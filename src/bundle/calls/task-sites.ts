import type { TaskDefinition } from "../../sdk/definition.ts";
import type { Places } from "../definition-place.ts";
import { argumentsOf, isFunction, nameOf, nodesAt, type Syntax } from "./syntax.ts";
import type { TextLines } from "./text-lines.ts";

/** Where a task is in the text of its bundle. */
export interface TaskSite {
  readonly definition: TaskDefinition;
  /** The variable that gets the task; null when there is none for certain. */
  readonly binding: Binding | null;
  /** What holds its code: the function it was made of, or whatever was given in its place. */
  readonly code: readonly Syntax[];
}

export interface Binding {
  readonly name: string;
  /** What it is set to. */
  readonly value: Syntax;
}

/** Finds a task by the places on the stack of its definition. */
export function findSite(
  definition: TaskDefinition,
  at: { readonly module: Syntax; readonly lines: TextLines; readonly places: Places },
): TaskSite {
  const calls = at.places
    .framesOf(definition)
    .map((place) => callAt(nodesAt(at.module, at.lines.offsetOf(place)), at.lines.offsetOf(place)));
  const [defining] = calls;
  if (defining === undefined || defining === null) return { definition, binding: null, code: [] };
  // Settings come first and hold no code of the task.
  const given = argumentsOf(defining.call).filter(({ type }) => type !== "ObjectExpression");
  return { definition, binding: bindingOf(calls), code: given };
}

interface CallAt {
  readonly call: Syntax;
  /** What the call stands in, the nearest first. */
  readonly within: readonly Syntax[];
}

/** The call that was under way at an offset: the innermost one whose callee is there. */
function callAt(path: readonly Syntax[], offset: number): CallAt | null {
  const index = path.findLastIndex(({ type, callee }) => {
    if (type !== "CallExpression") return false;
    const { start, end } = callee as Syntax;
    return start <= offset && offset < end;
  });
  const call = path[index];
  return call === undefined ? null : { call, within: path.slice(0, index).reverse() };
}

/**
 * The variable that gets the task. A helper that defines tasks counts when it returns them as they are: then what it
 * gives its caller is the task.
 */
function bindingOf(calls: readonly (CallAt | null)[]): Binding | null {
  for (const found of calls) {
    if (found === null) return null;
    const { call, within } = found;
    const [holder] = within;
    if (holder === undefined) return null;
    const target = targetOf(holder, call);
    if (target !== undefined) return target === null ? null : { name: target, value: call };
    const isReturned = holder.type === "ReturnStatement" || (isFunction(holder) && holder["body"] === call);
    if (!isReturned || within.find(isFunction)?.["async"] === true) return null;
  }
  return null;
}

/** The name that is set to a value; null when it is a pattern, undefined when nothing is set. */
function targetOf(holder: Syntax, value: Syntax): string | null | undefined {
  if (holder.type === "VariableDeclarator") return nameOf(holder["id"]);
  return holder.type === "AssignmentExpression" && holder["right"] === value
    ? nameOf(holder["left"])
    : undefined;
}
