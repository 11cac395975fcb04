import { readInnerError } from "./error-record/read.ts";
import { writeErrorRecord } from "./error-record/write.ts";
import { isErrorRecord, type Json, MAX_DATA_BYTES, type RecordCodec } from "./error-record.ts";
import { GodwitError } from "./errors.ts";
import { fitsUtf8, utf8Length } from "./utf8.ts";
import { CLASS_TYPES, expectPayload } from "./value/built-in.ts";
import { canonicalJson } from "./value/canonical.ts";
import { measureDepth } from "./value/depth.ts";
import { malformed } from "./value/malformed.ts";
import { revive } from "./value/revive.ts";
import { isStored, readStored } from "./value/stored.ts";
import { Tagger, tooLarge } from "./value/tag.ts";
import { registeredType, registeredTypeOf, type ValueType } from "./value/value-type.ts";

export { registerValueType } from "./value/value-type.ts";

/**
 * A value as text: JSON in which everything JSON has looks as usual, and the rest is an object with one key that
 * starts with `$`, such as `{"$date":"2026-01-31T00:00:00.000Z"}`.
 *
 * @example const encoded: EncodedValue = encodeValue({ when: new Date(0) });
 */
export type EncodedValue = string;

/** The size up to which a structured value may travel, in bytes of UTF-8. */
export const MAX_VALUE_BYTES: number = 10 * 1024 * 1024;

/** How deep a value may be nested. */
export const MAX_VALUE_DEPTH = 1000;

/**
 * Encodes a value for another process, now or in a year.
 *
 * Beyond JSON it takes `undefined`, `NaN`, the infinities, `-0`, bigint, Date, Map, Set, RegExp, URL, errors,
 * ArrayBuffer, DataView, Buffer, typed arrays and whatever is registered with `registerValueType`. Objects must be
 * plain or without a prototype, and come back plain; symbol keys are left out, holes in arrays become `undefined`,
 * an object that is referred to twice is sent twice. Functions, symbols, promises, class instances and cycles are
 * refused with `VALUE_NOT_SERIALIZABLE` and the path to them, more than 10 MiB with `INLINE_VALUE_TOO_LARGE`.
 *
 * @example encodeValue({ id: 1, tags: new Set(["a"]) }) // '{"id":1,"tags":{"$set":["a"]}}'
 */
export function encodeValue(value: unknown): EncodedValue {
  return stringify(tag(value));
}

/**
 * The value an encoded text stands for. Throws `VALUE_MALFORMED` for text that `encodeValue` cannot have written;
 * what comes from outside reaches no prototype and cannot exhaust the stack.
 *
 * @example decodeValue('{"tags":{"$set":["a"]}}') // { tags: Set { "a" } }
 */
export function decodeValue(text: EncodedValue): unknown {
  if (isStored(text)) throw notFetched(text);
  const tree = parse(text);
  return mayHaveTags(text) ? revive(tree, typeOfTag) : tree;
}

/**
 * The text to hash for "is this the same input": equal for values that differ only in the order of object keys.
 * For identity alone; decode what `encodeValue` wrote.
 *
 * @example canonicalValue({ b: 1, a: 2 }) // '{"a":2,"b":1}'
 */
export function canonicalValue(value: unknown): string {
  return canonicalJson(tag(value));
}

/**
 * As `canonicalValue`, for a value that is encoded already.
 *
 * @example canonicalText('{"b":1,"a":2}') // '{"a":2,"b":1}'
 */
export function canonicalText(text: EncodedValue): string {
  return canonicalJson(parse(text));
}

/** How error records hold values; errors inside an error's data come without data of their own. */
export const recordCodec: RecordCodec = {
  encodeData(value) {
    try {
      const options = { typeOf: typeInsideError, limitBytes: MAX_DATA_BYTES, maxDepth: MAX_DATA_DEPTH };
      const tree = new Tagger(options).run(value);
      const text = JSON.stringify(tree);
      // Parsed again, so that later changes to the error's data do not change its record.
      return fitsUtf8(text, MAX_DATA_BYTES) ? (JSON.parse(text) as Json) : undefined;
    } catch {
      return undefined;
    }
  },
  decodeData: (data) => revive(structuredClone(data), typeOfTag),
};

// Data is nested in up to eight causes inside a value, and both have to stay below what decodeValue takes.
const MAX_DATA_DEPTH = 100;
const MAX_JSON_DEPTH = MAX_VALUE_DEPTH + 2 * MAX_DATA_DEPTH;

const errorType: ValueType<Error, unknown> = {
  tag: "error",
  is: (value) => value instanceof Error,
  encode: (error) => writeErrorRecord(error, recordCodec),
  decode(payload) {
    expectPayload(isErrorRecord(payload));
    return readInnerError(payload, recordCodec);
  },
  isFinished: true,
};

const errorWithoutData: ValueType<Error, unknown> = {
  ...errorType,
  encode: (error) => writeErrorRecord(error, { ...recordCodec, encodeData: () => undefined }),
};

const CLASS_TYPES_BY_TAG: ReadonlyMap<string, ValueType> = new Map(
  [...CLASS_TYPES, errorType].map((type): [string, ValueType] => [type.tag, type]),
);

const VALUE_OPTIONS = { typeOf, limitBytes: MAX_VALUE_BYTES, maxDepth: MAX_VALUE_DEPTH };

function tag(value: unknown): unknown {
  return new Tagger(VALUE_OPTIONS).run(value);
}

function typeOf(value: object): ValueType | undefined {
  // Registered types go first, as they may be subclasses of what the codec knows.
  return (
    registeredTypeOf(value) ??
    CLASS_TYPES.find((type) => type.is(value)) ??
    (errorType.is(value) ? errorType : undefined)
  );
}

function typeInsideError(value: object): ValueType | undefined {
  return errorType.is(value) ? errorWithoutData : typeOf(value);
}

function typeOfTag(name: string): ValueType | undefined {
  return CLASS_TYPES_BY_TAG.get(name) ?? registeredType(name);
}

function stringify(tree: unknown): string {
  const text = JSON.stringify(tree);
  if (!fitsUtf8(text, MAX_VALUE_BYTES)) throw tooLarge(utf8Length(text), MAX_VALUE_BYTES);
  return text;
}

function parse(text: string): unknown {
  if (measureDepth(text, MAX_JSON_DEPTH) > MAX_JSON_DEPTH) {
    throw malformed(`is nested deeper than ${MAX_JSON_DEPTH} levels`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(`is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function notFetched(text: EncodedValue): GodwitError {
  const message = `the value is kept in a blob store and was not fetched from there: ${readStored(text)?.sha256}`;
  return new GodwitError("BLOB_STORE_MISSING", message);
}

/** One fast search spares most values the walk; the escaped form of `$` is only ever written by others. */
function mayHaveTags(text: string): boolean {
  return text.includes("$") || text.includes("\\u0024");
}
