import { type ErrorCode, type ErrorKind, errorRow } from "./error-table.ts";

/** Shared by all copies of the library in one process: the runner's own and the one inside a user's bundle. */
const BRANDS = Symbol.for("godwit.error");

/**
 * What an error may carry besides its code and message. Whatever is left out comes from the error table.
 *
 * @example new GodwitError("RUN_NOT_FOUND", 'no run "r1"', { hint: "did you mean r2?" })
 */
export interface GodwitErrorOptions {
  readonly cause?: unknown;
  readonly hint?: string;
  /** Facts for programs: sizes, limits, schema issues. Plain data, at most 16 KiB when it travels. */
  readonly details?: unknown;
  /** A user's own data on the error; anything that can be a task's output, at most 16 KiB when it travels. */
  readonly data?: unknown;
  /** Full name of the task that failed. */
  readonly task?: string;
  /** Id of the action that failed. */
  readonly action?: string;
  /** How many attempts were made. */
  readonly attempts?: number;
  /** The failures inside, when several things failed at once. */
  readonly errors?: readonly unknown[];
  readonly name?: string;
  readonly kind?: ErrorKind;
  readonly retryable?: boolean;
}

/**
 * Base of every error Godwit throws. `instanceof` holds across copies of the library in one process, because it
 * compares brands rather than prototypes.
 *
 * @example
 * try {
 *   await train(input);
 * } catch (error) {
 *   if (error instanceof GodwitError && error.code === "CAPACITY") return fallback(input);
 *   throw error;
 * }
 */
export class GodwitError extends Error {
  /** @internal */
  static readonly brand: string = "GodwitError";

  /** Row of the error table; see `docs/reference/errors.md`. */
  readonly code: ErrorCode;
  /** Whose fault it is; decides which retry budget is spent. */
  readonly kind: ErrorKind;
  /** Whether trying again may help. */
  readonly retryable: boolean;
  /** What to do next. */
  readonly hint: string;
  declare readonly details?: unknown;
  declare readonly data?: unknown;
  declare readonly task?: string;
  declare readonly action?: string;
  declare readonly attempts?: number;
  declare readonly errors?: readonly unknown[];

  constructor(code: ErrorCode, message: string, options: GodwitErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    const row = errorRow(code);
    define(this, BRANDS, brandsOf(new.target));
    define(this, "name", options.name ?? nameOf(new.target));
    this.code = code;
    this.kind = options.kind ?? row.kind;
    this.retryable = options.retryable ?? row.retryable;
    this.hint = options.hint ?? row.hint;
    for (const key of ["details", "data", "task", "action", "attempts", "errors"] as const) {
      const value = options[key];
      if (value !== undefined) Object.defineProperty(this, key, { value, enumerable: true, writable: true });
    }
  }

  // biome-ignore-start lint/complexity/noThisInStatic: subclasses inherit this, `this` is the class that is asked for.
  static override [Symbol.hasInstance](value: unknown): boolean {
    // A user's subclass has no brand of its own: only its own copy can make instances, so prototypes decide.
    if (!Object.hasOwn(this, "brand")) return Function.prototype[Symbol.hasInstance].call(this, value);
    if (typeof value !== "object" || value === null) return false;
    const brands: unknown = Reflect.get(value, BRANDS);
    return Array.isArray(brands) && brands.includes(this.brand);
  }
  // biome-ignore-end lint/complexity/noThisInStatic: see above.
}

/**
 * Whether `error` is a Godwit error with this code, whichever copy of the library made it.
 *
 * @example if (hasCode(error, "RUN_NOT_FOUND")) return null;
 */
export function hasCode(error: unknown, code: ErrorCode): error is GodwitError {
  return error instanceof GodwitError && error.code === code;
}

type BrandedClass = (abstract new (...args: never) => unknown) & { readonly brand: string };

function define(error: GodwitError, key: string | symbol, value: unknown): void {
  Object.defineProperty(error, key, { value, enumerable: false, writable: true, configurable: true });
}

function brandsOf(errorClass: BrandedClass): string[] {
  const brands: string[] = [];
  for (let next: BrandedClass = errorClass; next?.brand !== undefined; next = Object.getPrototypeOf(next)) {
    if (Object.hasOwn(next, "brand")) brands.push(next.brand);
  }
  return brands;
}

function nameOf(errorClass: BrandedClass): string {
  // The brand survives minification, a class's own name does not.
  return Object.hasOwn(errorClass, "brand") ? errorClass.brand : errorClass.name;
}
