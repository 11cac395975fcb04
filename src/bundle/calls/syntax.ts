/** A node of the syntax tree (ESTree), as far as it is looked at here. */
export interface Syntax {
  readonly type: string;
  /** Offsets into the text. */
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/**
 * Parses an ES module; null when it cannot be parsed: whatever comes of the tree is advice, and a bundle that Node
 * loads is not refused because a parser does not know its syntax yet.
 */
export async function parseModule(code: string): Promise<Syntax | null> {
  const { parse } = await import("acorn");
  try {
    return parse(code, { ecmaVersion: "latest", sourceType: "module" }) as unknown as Syntax;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The nodes directly inside one, in the order of the text. */
export function childrenOf(node: Syntax): Syntax[] {
  const children: Syntax[] = [];
  for (const key in node) {
    const value = node[key];
    if (Array.isArray(value)) children.push(...value.filter(isSyntax));
    else if (isSyntax(value)) children.push(value);
  }
  return children;
}

/** The nodes at an offset, the outermost first. */
export function nodesAt(root: Syntax, offset: number): Syntax[] {
  const path: Syntax[] = [];
  for (let at: Syntax | undefined = root; at !== undefined; ) {
    path.push(at);
    at = childrenOf(at).find(({ start, end }) => start <= offset && offset < end);
  }
  return path;
}

export function isSyntax(value: unknown): value is Syntax {
  return typeof value === "object" && value !== null && typeof (value as Partial<Syntax>).type === "string";
}

/** The name of an identifier; null for any other node. */
export function nameOf(node: unknown): string | null {
  return isSyntax(node) && node.type === "Identifier" ? (node["name"] as string) : null;
}

export function isFunction({ type }: Syntax): boolean {
  return (
    type === "FunctionDeclaration" || type === "FunctionExpression" || type === "ArrowFunctionExpression"
  );
}

/** What esbuild's `__name(value, "name")` names; any other node as it is. */
export function unnamed(node: Syntax): Syntax {
  const isNaming = node.type === "CallExpression" && /^__name\d*$/.test(nameOf(node["callee"]) ?? "");
  return isNaming ? (argumentsOf(node)[0] ?? node) : node;
}

export function argumentsOf(call: Syntax): readonly Syntax[] {
  return (call["arguments"] as readonly Syntax[] | undefined) ?? [];
}
