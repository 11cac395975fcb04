import { formatBytes } from "../bytes.ts";
import { GodwitError } from "../errors.ts";
import { describePath, describeValue, hintFor, NO_STEP } from "./describe.ts";
import type { ValueType } from "./value-type.ts";

/** What a walk needs to know besides the value. */
export interface TagOptions {
  readonly typeOf: (value: object) => ValueType | undefined;
  readonly limitBytes: number;
  readonly maxDepth: number;
}

/**
 * Turns a value into what `JSON.stringify` can write without losing anything. Plain values, the usual case, are
 * returned as they are and nothing is copied: one look, then the native writer.
 */
export class Tagger {
  readonly #options: TagOptions;
  /** The objects around the current value, outermost first; finds cycles and measures depth. */
  readonly #around: object[] = [];
  /** Where the current value is: the key at each depth. Entries beyond the current depth are stale. */
  readonly #keys: (string | number)[] = [];
  /** At most as many bytes as the text will have; keeps shared references from growing without bound. */
  #size = 0;

  constructor(options: TagOptions) {
    this.#options = options;
  }

  /** Throws `VALUE_NOT_SERIALIZABLE` with the path, or `INLINE_VALUE_TOO_LARGE`. */
  run(value: unknown): unknown {
    try {
      return this.#tag(value);
    } catch (error) {
      if (error instanceof GodwitError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw this.#refusal(`it cannot be read (${reason})`, error);
    }
  }

  #tag(value: unknown): unknown {
    switch (typeof value) {
      case "string":
        this.#size += value.length + 2;
        return value;
      case "number":
        this.#size++;
        return value - value === 0 && (value !== 0 || 1 / value > 0) ? value : tagNumber(value);
      case "boolean":
        return value;
      case "object":
        return value === null ? null : this.#tagObject(value);
      case "undefined":
        this.#size += UNDEFINED_BYTES;
        return { $undefined: true };
      case "bigint":
        return this.#tagBigint(value);
      default:
        throw this.#refusal(`it is ${describeValue(value)}`, undefined, value);
    }
  }

  #tagObject(value: object): unknown {
    const depth = this.#around.length;
    if (this.#around.includes(value)) throw this.#cycle(value);
    if (depth >= this.#options.maxDepth) {
      throw this.#refusal(`it is nested deeper than ${this.#options.maxDepth} levels`);
    }
    this.#size += 2;
    if (this.#size > this.#options.limitBytes) throw tooLarge(this.#size, this.#options.limitBytes);
    const type = Array.isArray(value) || isPlain(value) ? undefined : this.#typeOf(value);
    this.#around.push(value);
    let tagged: unknown;
    if (type) tagged = this.#tagClass(value, type, depth);
    else if (Array.isArray(value)) tagged = this.#tagArray(value, depth);
    else tagged = this.#tagPlain(value as Record<string, unknown>, depth);
    this.#around.pop();
    return tagged;
  }

  #typeOf(value: object): ValueType {
    const type = this.#options.typeOf(value);
    if (!type) throw this.#refusal(`it is ${describeValue(value)}`, undefined, value);
    return type;
  }

  #tagClass(value: object, type: ValueType, depth: number): unknown {
    this.#keys[depth] = NO_STEP;
    const payload = type.encode(value);
    if (!type.isFinished) return { [`$${type.tag}`]: this.#tag(payload) };
    this.#size += JSON.stringify(payload).length;
    return { [`$${type.tag}`]: payload };
  }

  #tagArray(value: readonly unknown[], depth: number): unknown {
    // A hole is written as undefined, so an array of a billion holes is refused before it is walked.
    if (value.length > this.#options.limitBytes) throw tooLarge(value.length, this.#options.limitBytes);
    // A subclass may have a toJSON, which the native writer would call.
    let copy: unknown[] | undefined = Object.getPrototypeOf(value) === Array.prototype ? undefined : [];
    for (let i = 0; i < value.length; i++) {
      this.#keys[depth] = i;
      const item = value[i];
      const tagged = this.#tag(item);
      if (copy) copy.push(tagged);
      else if (tagged !== item) {
        copy = value.slice(0, i);
        copy.push(tagged);
      }
    }
    return copy ?? value;
  }

  #tagPlain(value: Record<string, unknown>, depth: number): unknown {
    const keys = Object.keys(value);
    let copy: Record<string, unknown> | undefined;
    for (const key of keys) {
      this.#keys[depth] = key;
      this.#size += key.length + 3;
      const item = value[key];
      const tagged = this.#tag(item);
      if (!copy && tagged !== item) copy = copyUntil(value, keys, key);
      if (copy) setOwn(copy, key, tagged);
    }
    const only = keys.length === 1 ? keys[0] : undefined;
    // A user's object that looks like a tag: the doubled sign makes it a plain object again when it is read.
    return only?.startsWith("$") ? { [`$${only}`]: (copy ?? value)[only] } : (copy ?? value);
  }

  #tagBigint(value: bigint): unknown {
    const digits = value.toString();
    this.#size += digits.length;
    return { $bigint: digits };
  }

  #cycle(value: object): GodwitError {
    const target = describePath(this.#keys.slice(0, this.#around.indexOf(value)));
    return this.#refusal(`it refers back to ${target}`, undefined, value);
  }

  #refusal(reason: string, cause?: unknown, value?: unknown): GodwitError {
    const path = describePath(this.#keys.slice(0, this.#around.length));
    return new GodwitError("VALUE_NOT_SERIALIZABLE", `the value at ${path} cannot travel: ${reason}`, {
      details: { path },
      ...(value !== undefined && { hint: hintFor(value) }),
      ...(cause !== undefined && { cause }),
    });
  }
}

/** The error for a value of `sizeBytes` or more. */
export function tooLarge(sizeBytes: number, limitBytes: number): GodwitError {
  return new GodwitError(
    "INLINE_VALUE_TOO_LARGE",
    `the value takes ${formatBytes(sizeBytes)} or more; the limit is ${formatBytes(limitBytes)}`,
    { details: { sizeBytes, limitBytes } },
  );
}

const UNDEFINED_BYTES = '{"$undefined":true}'.length;

function tagNumber(value: number): unknown {
  return { $number: Object.is(value, -0) ? "-0" : String(value) };
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  // The Object.prototype of another realm (`node:vm`): nothing above it, and it is not a class.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "hasOwnProperty");
}

function copyUntil(
  value: Record<string, unknown>,
  keys: readonly string[],
  end: string,
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const key of keys) {
    if (key === end) break;
    setOwn(copy, key, value[key]);
  }
  return copy;
}

/** Assignment to `__proto__` would set the prototype instead of a property. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") target[key] = value;
  else Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}
