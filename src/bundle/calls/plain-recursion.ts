import type { TaskDefinition } from "../../sdk/definition.ts";
import type { Bundle } from "../build.ts";
import { Places, type SourcePlace } from "../definition-place.ts";
import { isCallee, referencesIn } from "./references.ts";
import { isFunction, nameOf, nodesAt, parseModule } from "./syntax.ts";
import { TextLines } from "./text-lines.ts";

/** A task whose function calls itself by its own name, which is not the task: the calls make no actions. */
export interface PlainRecursion {
  readonly task: TaskDefinition;
  /** Where the call is written; null when it cannot be told. */
  readonly place: SourcePlace | null;
}

/** Finds tasks that recur plainly. Code without such a thing is not even parsed. */
export async function findPlainRecursion(
  bundle: Bundle,
  tasks: readonly TaskDefinition[],
): Promise<PlainRecursion[]> {
  const calls: { readonly task: TaskDefinition; readonly offset: number }[] = [];
  for (const task of tasks) {
    const text = Function.prototype.toString.call(task.fn);
    const at = mayCallItself(text) ? await ownCall(text) : null;
    const start = at === null ? null : startInBundle(bundle.code, text);
    if (at !== null && start !== null) calls.push({ task, offset: start + at });
  }
  if (calls.length === 0) return [];
  const places = new Places(bundle);
  const lines = new TextLines(bundle.code);
  return calls.map(({ task, offset }) => ({ task, place: places.sourceOf(lines.placeOf(offset)) }));
}

const HEAD = /^(?:async\s+)?function\s+([A-Za-z_$][\w$]*)/;

/** Whether the name of a function comes up again in it, followed by a parenthesis. */
function mayCallItself(text: string): boolean {
  const name = HEAD.exec(text)?.[1];
  if (name === undefined) return false;
  const calls = new RegExp(`(?<![\\w$.])${name.replaceAll("$", "\\$")}\\s*\\(`, "g");
  return [...text.matchAll(calls)].length > 1;
}

/** Offset of the first call of the function by its own name; null when the name means something else inside. */
async function ownCall(text: string): Promise<number | null> {
  const opening = "(";
  const module = await parseModule(`${opening}${text})`);
  const fn = module === null ? undefined : nodesAt(module, opening.length).find(isFunction);
  const name = nameOf(fn?.["id"]);
  if (fn === undefined || name === null) return null;
  // Without its name it declares only what is inside.
  for (const reference of referencesIn({ ...fn, id: null })) {
    if (reference.name === name && isCallee(reference)) return reference.node.start - opening.length;
  }
  return null;
}

/**
 * Where the function is in the bundle, when it is an expression. One that is declared on its own is a function that the
 * user names and calls knowingly.
 */
function startInBundle(code: string, text: string): number | null {
  for (let at = code.indexOf(text); at !== -1; at = code.indexOf(text, at + 1)) {
    if (/[(,=:[]\s*$/.test(code.slice(Math.max(0, at - 20), at))) return at;
  }
  return null;
}
