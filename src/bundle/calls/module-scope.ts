import { addNames } from "./references.ts";
import { childrenOf, isFunction, nameOf, type Syntax, unnamed } from "./syntax.ts";

/** What the names at the top of a module stand for. */
export class ModuleScope {
  /** By name: what it was declared with; null without a value. */
  readonly #declared = new Map<string, Syntax | null>();
  readonly #assigned = new Map<string, Syntax[]>();

  constructor(module: Syntax) {
    for (const statement of childrenOf(module)) this.#declare(statement);
    this.#findAssignments(module);
  }

  /**
   * The one value that a name ever has: a function, or the expression it is set to. Undefined when the module does not
   * declare it or sets it more than once.
   */
  valueOf(name: string): Syntax | undefined {
    const declared = this.#declared.get(name);
    if (declared === undefined) return undefined;
    const values = [...(declared === null ? [] : [declared]), ...(this.#assigned.get(name) ?? [])];
    const [only] = values;
    return only === undefined || values.length > 1 ? undefined : unnamed(only);
  }

  /** The function that a name stands for. */
  functionOf(name: string): Syntax | undefined {
    const value = this.valueOf(name);
    return value !== undefined && isFunction(value) ? value : undefined;
  }

  #declare(statement: Syntax): void {
    const own = nameOf(statement["id"]);
    if (statement.type === "FunctionDeclaration" && own !== null) this.#declared.set(own, statement);
    if (statement.type !== "VariableDeclaration") return;
    for (const { id, init } of statement["declarations"] as readonly Syntax[]) {
      const name = nameOf(id);
      if (name !== null) this.#declared.set(name, (init as Syntax | null) ?? null);
    }
  }

  #findAssignments(node: Syntax): void {
    const isLoop = node.type === "ForOfStatement" || node.type === "ForInStatement";
    if (node.type === "AssignmentExpression" || isLoop) {
      const names = new Set<string>();
      addNames(node["left"], names);
      const isPlain = node["operator"] === "=" && nameOf(node["left"]) !== null;
      const value = isPlain ? (node["right"] as Syntax) : node;
      for (const name of names) this.#assigned.set(name, [...(this.#assigned.get(name) ?? []), value]);
    }
    for (const child of childrenOf(node)) this.#findAssignments(child);
  }
}
