/** A step into what a tag adds, which is not in the value its author knows. */
export const NO_STEP = -1;

/** `["items", 3, "on-done"]` as `$.items[3]["on-done"]`. */
export function describePath(keys: readonly (string | number)[]): string {
  let path = "$";
  for (const key of keys) {
    if (key === NO_STEP) continue;
    if (typeof key === "number") path += `[${key}]`;
    else path += /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  }
  return path.length <= MAX_PATH ? path : `${path.slice(0, MAX_PATH / 2)}…${path.slice(-MAX_PATH / 2)}`;
}

/** What kind of thing a value is, with its name, for the end of a sentence. */
export function describeValue(value: unknown): string {
  if (typeof value === "function") {
    const name = nameOf(value);
    const kind = /^class\b/.test(Function.prototype.toString.call(value)) ? "class" : "function";
    return name ? `a ${kind} (${name})` : `a ${kind} without a name`;
  }
  if (typeof value === "symbol") return `a symbol (${String(value)})`;
  if (value instanceof Promise) return "a Promise";
  const name = typeof value === "object" && value !== null ? nameOf(value.constructor) : "";
  return name ? `an instance of ${name}` : "an object with a prototype of its own";
}

/** What to do about a value that is refused. */
export function hintFor(value: unknown): string {
  if (typeof value === "function")
    return "Call the function and pass its result, or pass its name and look it up there.";
  if (typeof value === "symbol") return "Pass a string instead.";
  if (value instanceof Promise) return "`await` it first.";
  if (value instanceof Number || value instanceof String || value instanceof Boolean)
    return "Pass `value.valueOf()`.";
  if (value instanceof WeakMap || value instanceof WeakSet) return "Pass a Map or a Set.";
  if (typeof value === "object" && value !== null && !isPlainLike(value)) {
    return "Pass plain data: `{ ...value }` or the fields that are needed; the other side builds the object again.";
  }
  return "Pass a tree of plain data, with ids where one part refers to another.";
}

function isPlainLike(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === null || prototype === Object.prototype || isCollection(value);
}

function isCollection(value: object): boolean {
  return value instanceof Map || value instanceof Set;
}

function nameOf(named: unknown): string {
  const name: unknown = (named as { readonly name?: unknown } | undefined)?.name;
  return typeof name === "string" ? name.slice(0, MAX_NAME) : "";
}

const MAX_NAME = 80;
const MAX_PATH = 300;
