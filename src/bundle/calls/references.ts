import { childrenOf, isFunction, isSyntax, nameOf, type Syntax } from "./syntax.ts";

/** A name that is used inside a node and declared outside. */
export interface Reference {
  readonly name: string;
  readonly node: Syntax;
  /** What it stands in, the nearest first. */
  readonly within: readonly Syntax[];
}

/**
 * The names used in `root` that nothing in it declares. A name that a function declares anywhere, in whatever block,
 * counts as its own everywhere in that function: that may miss a use, and never takes a local for something else.
 */
export function* referencesIn(root: Syntax): Generator<Reference> {
  yield* visit(root, [], new Set());
}

/** Whether the name is what is called. */
export function isCallee({ node, within: [parent] }: Reference): boolean {
  return parent?.type === "CallExpression" && parent["callee"] === node;
}

function* visit(
  node: Syntax,
  within: readonly Syntax[],
  declared: ReadonlySet<string>,
): Generator<Reference> {
  const name = nameOf(node);
  if (name !== null) {
    if (!declared.has(name)) yield { name, node, within };
    return;
  }
  const known = within.length === 0 || isScope(node) ? union(declared, declaredBy(node)) : declared;
  const inner = [node, ...within];
  for (const child of childrenOf(node)) {
    if (!isLabel(child, node)) yield* visit(child, inner, known);
  }
}

function isScope(node: Syntax): boolean {
  return isFunction(node) || node.type === "ClassExpression" || node.type === "StaticBlock";
}

/** Names of properties, methods and labels are texts, not uses of a variable. */
function isLabel(child: Syntax, parent: Syntax): boolean {
  switch (parent.type) {
    case "MemberExpression":
      return child === parent["property"] && parent["computed"] !== true;
    case "Property":
    case "MethodDefinition":
    case "PropertyDefinition":
      return child === parent["key"] && parent["computed"] !== true && child !== parent["value"];
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
      return child === parent["label"];
    case "MetaProperty":
      return true;
    default:
      return false;
  }
}

function declaredBy(node: Syntax): ReadonlySet<string> {
  const names = new Set<string>();
  const own = nameOf(node["id"]);
  if (own !== null) names.add(own);
  for (const parameter of (node["params"] as readonly Syntax[] | undefined) ?? []) addNames(parameter, names);
  addDeclared(node, names);
  return names;
}

/** Adds what is declared in a node, but not what functions inside it declare for themselves. */
function addDeclared(node: Syntax, names: Set<string>): void {
  for (const child of childrenOf(node)) {
    if (child.type === "VariableDeclarator") addNames(child["id"], names);
    if (child.type === "CatchClause") addNames(child["param"], names);
    if (child.type === "FunctionDeclaration" || child.type === "ClassDeclaration")
      addNames(child["id"], names);
    if (!isFunction(child)) addDeclared(child, names);
  }
}

/** Adds the names that a pattern binds. */
export function addNames(pattern: unknown, names: Set<string>): void {
  // What is set there is a property, not a variable.
  if (!isSyntax(pattern) || pattern.type === "MemberExpression") return;
  const name = nameOf(pattern);
  if (name !== null) names.add(name);
  else if (pattern.type === "AssignmentPattern") addNames(pattern["left"], names);
  else if (pattern.type === "Property") addNames(pattern["value"], names);
  else for (const part of childrenOf(pattern)) addNames(part, names);
}

function union(one: ReadonlySet<string>, other: ReadonlySet<string>): ReadonlySet<string> {
  return other.size === 0 ? one : new Set([...one, ...other]);
}
