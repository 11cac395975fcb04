import type { TaskDefinition } from "../../sdk/definition.ts";
import type { Bundle } from "../build.ts";
import { Places, type SourcePlace } from "../definition-place.ts";
import { ModuleScope } from "./module-scope.ts";
import { isCallee, type Reference, referencesIn } from "./references.ts";
import { argumentsOf, isFunction, nameOf, parseModule, type Syntax } from "./syntax.ts";
import { findSite, type TaskSite } from "./task-sites.ts";
import { TextLines } from "./text-lines.ts";

/** A call of one task by the code of another. */
export interface TaskCall {
  readonly caller: TaskDefinition;
  readonly callee: TaskDefinition;
  /** Where the call is written; null when it cannot be told. */
  readonly place: SourcePlace | null;
}

/**
 * The calls of tasks that are certain to be in the code of other tasks, over any number of functions at the top of
 * modules. What is not certain is left out: tasks in objects and arrays, methods, variables that are set again,
 * whatever is only mentioned.
 */
export async function findTaskCalls(bundle: Bundle, tasks: readonly TaskDefinition[]): Promise<TaskCall[]> {
  const module = await parseModule(bundle.code);
  if (module === null) return [];
  const places = new Places(bundle);
  const lines = new TextLines(bundle.code);
  const sites = tasks.map((definition) => findSite(definition, { module, lines, places }));
  const graph = new CallGraph(
    new ModuleScope(module),
    sites,
    (name, node) => /^map\d*$/.test(name) && places.isSdk(lines.placeOf(node.start), "map"),
  );
  return sites.flatMap(({ definition: caller, code }) =>
    graph.callsFrom(code).map(({ callee, node }) => {
      const place = places.sourceOf(lines.placeOf(node.start));
      return { caller, callee, place };
    }),
  );
}

interface Found {
  readonly callee: TaskDefinition;
  readonly node: Syntax;
}

/** What one piece of code does: tasks it calls, and functions it uses. */
interface Uses {
  readonly tasks: readonly Found[];
  readonly functions: readonly Syntax[];
}

class CallGraph {
  readonly #scope: ModuleScope;
  readonly #tasks: ReadonlyMap<string, TaskDefinition | null>;
  readonly #isMap: (name: string, node: Syntax) => boolean;
  readonly #uses = new Map<Syntax, Uses>();

  constructor(
    scope: ModuleScope,
    sites: readonly TaskSite[],
    isMap: (name: string, node: Syntax) => boolean,
  ) {
    this.#scope = scope;
    this.#isMap = isMap;
    const tasks = new Map<string, TaskDefinition | null>();
    for (const { binding, definition } of sites) {
      // A variable inside a function may have the name of another one.
      if (binding === null || scope.valueOf(binding.name) !== binding.value) continue;
      // Two tasks under one name: which of them is called is anybody's guess.
      tasks.set(binding.name, tasks.has(binding.name) ? null : definition);
    }
    this.#tasks = tasks;
  }

  /** The first call of each task that `code` leads to. */
  callsFrom(code: readonly Syntax[]): Found[] {
    const found = new Map<TaskDefinition, Found>();
    const seen = new Set<Syntax>();
    for (const queue = [...code]; queue.length > 0; ) {
      const node = queue.shift() as Syntax;
      if (seen.has(node)) continue;
      seen.add(node);
      const { tasks, functions } = this.#usesOf(node);
      for (const call of tasks) if (!found.has(call.callee)) found.set(call.callee, call);
      queue.push(...functions);
    }
    return [...found.values()];
  }

  #usesOf(code: Syntax): Uses {
    const known = this.#uses.get(code);
    if (known !== undefined) return known;
    const tasks: Found[] = [];
    const functions: Syntax[] = [];
    for (const reference of referencesIn(code)) {
      // Outside functions it happens while the module is loaded, where a task is a plain function.
      const isRun = isFunction(code) || reference.within.some(isFunction);
      const callee = this.#taskOf(reference.name);
      if (callee !== undefined) {
        if (isRun && this.#isCalled(reference)) tasks.push({ callee, node: reference.node });
      } else if (isGiven(reference) || (isRun && isCallee(reference))) {
        const fn = this.#scope.functionOf(reference.name);
        if (fn !== undefined) functions.push(fn);
      }
    }
    const uses = { tasks, functions };
    this.#uses.set(code, uses);
    return uses;
  }

  /** The task that a name stands for, over `const other = task` and `task.override(…)`. */
  #taskOf(name: string, depth = 0): TaskDefinition | undefined {
    const value = this.#scope.valueOf(name);
    if (value === undefined || depth > MOST_ALIASES) return undefined;
    if (this.#tasks.has(name)) return this.#tasks.get(name) ?? undefined;
    const original = nameOf(value) ?? nameOf(overridden(value));
    return original === null ? undefined : this.#taskOf(original, depth + 1);
  }

  #isCalled({ node, within }: Reference): boolean {
    const [parent, outer, outermost] = within;
    if (parent === undefined) return false;
    if (this.#isCallOrMap(parent, node)) return true;
    // `task.override(…)` is made to be called, at once or by the name it gets.
    if (outer === undefined || outermost === undefined || overridden(outer) !== node) return false;
    return this.#isCallOrMap(outermost, outer) || outermost.type === "VariableDeclarator";
  }

  #isCallOrMap(parent: Syntax, node: Syntax): boolean {
    if (parent.type !== "CallExpression") return false;
    if (parent["callee"] === node) return true;
    const callee = parent["callee"] as Syntax;
    if (argumentsOf(parent)[0] !== node) return false;
    if (callee.type === "MemberExpression") return nameOf(callee["property"]) === "map";
    const name = nameOf(callee);
    const fn = name === null ? undefined : this.#scope.functionOf(name);
    return name !== null && fn !== undefined && this.#isMap(name, fn);
  }
}

const MOST_ALIASES = 8;

/** `x` of `x.override(…)`. */
function overridden(node: Syntax): Syntax | null {
  const callee = node.type === "CallExpression" ? (node["callee"] as Syntax) : null;
  if (callee?.type !== "MemberExpression" || nameOf(callee["property"]) !== "override") return null;
  return callee["object"] as Syntax;
}

/** Given to what calls it: `xs.map(helper)`, `env.task(helper)`. */
function isGiven({ node, within: [parent] }: Reference): boolean {
  return parent === undefined || (parent.type === "CallExpression" && argumentsOf(parent).includes(node));
}
