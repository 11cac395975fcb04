/**
 * The text of a tagged tree with the keys of every object in one order (that of their UTF-16 units), so that
 * `{a, b}` and `{b, a}` read the same. The order in Maps and Sets counts, as iterating them shows it. Stacks of
 * errors do not: they change with each edit of the file they were made in. Of files and folders only the content
 * counts: neither who made them nor, where the content is known by its hash, where they are.
 */
export function canonicalJson(tree: unknown): string {
  return isCanonical(tree) ? JSON.stringify(tree) : write(tree, false);
}

function isCanonical(tree: unknown): boolean {
  if (typeof tree !== "object" || tree === null) return true;
  if (Array.isArray(tree)) return tree.every(isCanonical);
  let before: string | undefined;
  for (const [key, item] of Object.entries(tree)) {
    if (before !== undefined && key < before) return false;
    if (key === ERROR_KEY || REFERENCES.has(key) || !isCanonical(item)) return false;
    before = key;
  }
  return true;
}

function write(tree: unknown, isRecord: boolean): string {
  if (typeof tree !== "object" || tree === null) return JSON.stringify(tree);
  if (Array.isArray(tree)) return `[${tree.map((item) => write(item, isRecord)).join(",")}]`;
  const object = tree as Record<string, unknown>;
  const keys = Object.keys(object).sort(compareUnits);
  const only = keys.length === 1 ? (keys[0] ?? "") : "";
  if (REFERENCES.has(only)) return `{${JSON.stringify(only)}:${write(contentOf(object[only]), false)}}`;
  const isError = only === ERROR_KEY;
  const parts: string[] = [];
  for (const key of keys) {
    if (isRecord && key === "stack") continue;
    // Causes and inner errors are records as well; an error's data is a user's.
    const isInner = isError || (isRecord && (key === "cause" || key === "errors"));
    parts.push(`${JSON.stringify(key)}:${write(object[key], isInner)}`);
  }
  return `{${parts.join(",")}}`;
}

/** `sort` without it compares the same way, but says so to nobody. */
function compareUnits(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** What of a reference tells it from others. */
function contentOf(payload: unknown): unknown {
  if (typeof payload !== "object" || payload === null) return payload;
  const { producer: _, uri, ...content } = payload as Record<string, unknown>;
  return typeof content["sha256"] === "string" ? content : { ...content, uri };
}

const ERROR_KEY = "$error";
const REFERENCES: ReadonlySet<string> = new Set(["$file", "$dir"]);
