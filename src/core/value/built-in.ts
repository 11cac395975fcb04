import { BINARY_TYPES } from "./binary.ts";
import type { ValueType } from "./value-type.ts";

const ISO_TIME = /^[+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const INTEGER = /^-?(0|[1-9]\d*)$/;

/** Throws for a payload that `encode` cannot have made; the reader adds the tag and the error code. */
export function expectPayload(isExpected: boolean): asserts isExpected {
  if (!isExpected) throw new TypeError("unexpected payload");
}

const date: ValueType<Date, string | null> = {
  tag: "date",
  is: (value) => value instanceof Date,
  encode: (value) => (Number.isNaN(value.getTime()) ? null : value.toISOString()),
  decode(payload) {
    if (payload === null) return new Date(Number.NaN);
    // Forms without a zone mean another instant on each machine.
    expectPayload(typeof payload === "string" && ISO_TIME.test(payload));
    const value = new Date(payload);
    expectPayload(!Number.isNaN(value.getTime()));
    return value;
  },
};

const map: ValueType<Map<unknown, unknown>, [unknown, unknown][]> = {
  tag: "map",
  is: (value) => value instanceof Map,
  encode: (value) => [...value],
  decode(payload) {
    expectPayload(
      Array.isArray(payload) && payload.every((entry) => Array.isArray(entry) && entry.length === 2),
    );
    return new Map(payload);
  },
};

const set: ValueType<Set<unknown>, unknown[]> = {
  tag: "set",
  is: (value) => value instanceof Set,
  encode: (value) => [...value],
  decode(payload) {
    expectPayload(Array.isArray(payload));
    return new Set(payload);
  },
};

const url: ValueType<URL, string> = {
  tag: "url",
  is: (value) => value instanceof URL,
  encode: (value) => value.href,
  decode(payload) {
    expectPayload(typeof payload === "string");
    return new URL(payload);
  },
};

/** `lastIndex` is a cursor, not part of the pattern, and starts at 0 again. */
const regexp: ValueType<RegExp, [source: string, flags: string]> = {
  tag: "regexp",
  is: (value) => value instanceof RegExp,
  encode: (value) => [value.source, value.flags],
  decode(payload) {
    expectPayload(
      Array.isArray(payload) && payload.length === 2 && payload.every((part) => typeof part === "string"),
    );
    return new RegExp(payload[0], payload[1]);
  },
};

/** Classes the codec knows, most frequent first. Errors are added by `value.ts`, as their records hold values. */
// biome-ignore lint/suspicious/noExplicitAny: a list of types with different values; each is only given its own.
export const CLASS_TYPES: readonly ValueType<any, any>[] = [date, map, set, url, regexp, ...BINARY_TYPES];

/** What JSON cannot say about primitives. They are written by `tag.ts` without going through `is`. */
export const PRIMITIVE_DECODERS: Readonly<Record<string, (payload: unknown) => unknown>> = {
  undefined(payload) {
    expectPayload(payload === true);
    return undefined;
  },
  number(payload) {
    expectPayload(typeof payload === "string" && Object.hasOwn(SPECIAL_NUMBERS, payload));
    return SPECIAL_NUMBERS[payload];
  },
  bigint(payload) {
    expectPayload(typeof payload === "string" && INTEGER.test(payload));
    return BigInt(payload);
  },
};

const SPECIAL_NUMBERS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
  "-0": -0,
};
