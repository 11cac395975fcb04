import { GodwitError } from "../errors.ts";

/**
 * How values of one class travel: as `{"$tag": payload}`.
 *
 * @example
 * const money: ValueType<Money, string> = {
 *   tag: "money",
 *   is: (value): value is Money => value instanceof Money,
 *   encode: (value) => value.toString(),
 *   decode: (payload) => Money.parse(payload),
 * };
 */
export interface ValueType<Value = unknown, Payload = unknown> {
  /** Lower-case letters, digits and `-`; part of the stored data, so it can never change. */
  readonly tag: string;
  is(value: object): value is Value & object;
  /** The parts of `value`: anything that can be encoded itself. */
  encode(value: Value): Payload;
  /** The inverse of `encode`; the payload may come from outside, so throw when it is not what `encode` makes. */
  decode(payload: Payload): Value;
  /** @internal The payload is finished JSON: its own `$` keys are neither escaped nor read. */
  readonly isFinished?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: a list of types with different values; each is only given its own.
type AnyValueType = ValueType<any, any>;

interface Registration {
  readonly type: AnyValueType;
  /** The copy of the library that it was registered with. */
  readonly copy: object;
}

// One slot per process, shared by every copy of the library in it: a user's bundle registers its types with its own
// copy, and is executed by a runner that has another.
const SLOT = Symbol.for("godwit.value-types.v1");
type Holder = { [SLOT]?: Registration[] };
const COPY = {};

function registered(): Registration[] {
  const holder = globalThis as Holder;
  holder[SLOT] ??= [];
  return holder[SLOT];
}

/**
 * Teaches the codec another class. Do it in the module that defines the class, before any value is decoded: an
 * encoded value whose type is not registered is refused. All copies of the library in a process share the types; a
 * tag that several of them registered is read by the copy's own, else by the newest.
 *
 * @returns a function that takes the type back out
 * @example registerValueType({ tag: "money", is: isMoney, encode: String, decode: Money.parse });
 */
export function registerValueType<Value, Payload>(type: ValueType<Value, Payload>): () => void {
  if (!/^[a-z][a-z0-9-]*$/.test(type.tag)) {
    throw new GodwitError("OPTION_INVALID", `value type tag ${JSON.stringify(type.tag)} is not allowed`, {
      hint: "Use lower-case letters, digits and `-`, starting with a letter.",
    });
  }
  const types = registered();
  const isTaken = types.some((other) => other.type.tag === type.tag && other.copy === COPY);
  if (RESERVED_TAGS.has(type.tag) || isTaken) {
    throw new GodwitError("VALUE_TYPE_DUPLICATE", `a value type with the tag "${type.tag}" exists already`);
  }
  const registration: Registration = { type, copy: COPY };
  types.push(registration);
  return () => {
    const at = types.indexOf(registration);
    if (at >= 0) types.splice(at, 1);
  };
}

export function registeredTypeOf(value: object): AnyValueType | undefined {
  return registered().find(({ type }) => type.is(value))?.type;
}

export function registeredType(tag: string): AnyValueType | undefined {
  const found = registered().filter(({ type }) => type.tag === tag);
  return (found.find(({ copy }) => copy === COPY) ?? found.at(-1))?.type;
}

/** Tags the library uses itself; `test/core/value.test.ts` keeps the list equal to the built-in types. */
export const RESERVED_TAGS: ReadonlySet<string> = new Set([
  "blob",
  "undefined",
  "number",
  "bigint",
  "date",
  "map",
  "set",
  "regexp",
  "url",
  "error",
  "buffer",
  "bytes",
  "arraybuffer",
  "dataview",
  "int8array",
  "uint8clampedarray",
  "int16array",
  "uint16array",
  "int32array",
  "uint32array",
  "float16array",
  "float32array",
  "float64array",
  "bigint64array",
  "biguint64array",
]);
