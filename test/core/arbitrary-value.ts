import fc from "fast-check";

const primitive: fc.Arbitrary<unknown> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("$date", "$", "$$", "__proto__", "\u0000", "\ud800", '{"$', "\\u0024"),
  fc.double(),
  fc.integer(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.bigInt(),
);

const bytes = fc.uint8Array({ maxLength: 40 });

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: primitive },
  fc.date({ noInvalidDate: false }),
  fc.webUrl().map((url) => new URL(url)),
  fc.constantFrom(/a+b/gi, /[\]/"]\n/u, /(?:)/),
  bytes,
  bytes.map((value) => Buffer.from(value)),
  bytes.map((value) => value.buffer.slice(0)),
  bytes.map((value) => new DataView(new Uint8Array(value).buffer)),
  fc.int8Array({ maxLength: 9 }),
  fc.uint8ClampedArray({ maxLength: 9 }),
  fc.int16Array({ maxLength: 9 }),
  fc.uint16Array({ maxLength: 9 }),
  fc.int32Array({ maxLength: 9 }),
  fc.uint32Array({ maxLength: 9 }),
  fc.float32Array({ maxLength: 9 }),
  fc.float64Array({ maxLength: 9 }),
  fc
    .array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 9 })
    .map((v) => new BigInt64Array(v)),
  fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 9 }).map((v) => new BigUint64Array(v)),
);

/** Keys as users have them, and keys that could be taken for tags or reach a prototype. */
export const key: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.constantFrom(
    "$date",
    "$",
    "$$",
    "$$map",
    "$error",
    "$undefined",
    "__proto__",
    "constructor",
    "toJSON",
    "1",
    "length",
  ),
);

/** Any value the codec promises to carry, without errors: those are compared by their records. */
export const supportedValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    tie("array"),
    tie("object"),
    tie("map"),
    tie("set"),
  ),
  array: fc.array(tie("value"), { maxLength: 5 }),
  object: fc
    .array(fc.tuple(key, tie("value")), { maxLength: 5 })
    .map((entries) => Object.fromEntries(entries)),
  map: fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 4 }).map((entries) => new Map(entries)),
  set: fc.array(tie("value"), { maxLength: 4 }).map((items) => new Set(items)),
})).value;

/** JSON values, with the keys that need care. */
export const jsonValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;
