import { inspect, isDeepStrictEqual } from "node:util";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GodwitError } from "../../src/core/errors.ts";
import { CLASS_TYPES, PRIMITIVE_DECODERS } from "../../src/core/value/built-in.ts";
import { measureDepth } from "../../src/core/value/depth.ts";
import { RESERVED_TAGS } from "../../src/core/value/value-type.ts";
import {
  canonicalText,
  canonicalValue,
  decodeValue,
  encodeValue,
  MAX_VALUE_BYTES,
  registerValueType,
} from "../../src/core/value.ts";
import { jsonValue, supportedValue } from "./arbitrary-value.ts";

const roundTrip = (value: unknown): unknown => decodeValue(encodeValue(value));

describe("a value that travels", () => {
  it("comes back the same, whatever mixture of supported types it is", () => {
    fc.assert(
      fc.property(supportedValue, (value) => {
        expectSame(roundTrip(value), value);
      }),
      { numRuns: 1000 },
    );
  });

  it("is compared by a measure that sees every difference the codec could make", () => {
    const pairs: [unknown, unknown][] = [
      [0, -0],
      [{ a: undefined }, {}],
      [new Date(0), new Date(Number.NaN)],
      [new URL("https://a.example"), new URL("https://b.example")],
      [new Uint8Array(1), Buffer.alloc(1)],
      [new Uint8Array(1), new Int8Array(1)],
      [new DataView(new ArrayBuffer(1)), new DataView(new Uint8Array([1]).buffer)],
      [new Uint8Array([1]).buffer, new Uint8Array([2]).buffer],
      [new Map([[{}, 1]]), new Map([[{}, 2]])],
      [/a/g, /a/],
      [{ ["__proto__"]: 1 }, {}],
    ];
    for (const [a, b] of pairs) expect(() => expectSame(a, b)).toThrow();
  });

  it("is never written to", () => {
    fc.assert(
      fc.property(supportedValue, (value) => {
        freeze(value);
        encodeValue(value);
      }),
    );
  });

  it("has one text: encoding what was decoded gives it again", () => {
    fc.assert(
      fc.property(supportedValue, (value) => {
        const text = encodeValue(value);
        expect(encodeValue(decodeValue(text))).toBe(text);
      }),
    );
  });

  it.each([
    [{ x: 1, y: ["a", null, true] }, '{"x":1,"y":["a",null,true]}'],
    [undefined, '{"$undefined":true}'],
    [{ a: undefined }, '{"a":{"$undefined":true}}'],
    [[Number.NaN, -0, -1 / 0], '[{"$number":"NaN"},{"$number":"-0"},{"$number":"-Infinity"}]'],
    [12n, '{"$bigint":"12"}'],
    [new Date(0), '{"$date":"1970-01-01T00:00:00.000Z"}'],
    [new Date(Number.NaN), '{"$date":null}'],
    [new Map([["k", 1]]), '{"$map":[["k",1]]}'],
    [new Set([1]), '{"$set":[1]}'],
    [new URL("https://a.example/b"), '{"$url":"https://a.example/b"}'],
    [/a/g, '{"$regexp":["a","g"]}'],
    [new Uint8Array([1, 2]), '{"$bytes":"AQI="}'],
    [{ $date: 1 }, '{"$$date":1}'],
    [{ $date: 1, other: 2 }, '{"$date":1,"other":2}'],
    [Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
  ])("%o is stored as %s", (value, text) => {
    expect(encodeValue(value)).toBe(text);
  });

  it("keeps -0, holes as undefined, and the bytes of a view only", () => {
    expect(Object.is(roundTrip(-0), -0)).toBe(true);
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested.
    expect(roundTrip([1, , 3])).toStrictEqual([1, undefined, 3]);
    const view = new Uint8Array([9, 1, 2, 9]).subarray(1, 3);
    expect(roundTrip(view)).toStrictEqual(new Uint8Array([1, 2]));
    expect((roundTrip(view) as Uint8Array).buffer.byteLength).toBe(2);
  });

  it("keeps Buffer and Uint8Array apart", () => {
    expect(Buffer.isBuffer(roundTrip(Buffer.from("hi")))).toBe(true);
    expect(Buffer.isBuffer(roundTrip(new Uint8Array(2)))).toBe(false);
  });

  it("takes rows of database drivers: objects without a prototype, arrays of a class of their own", () => {
    class Rows extends Array<unknown> {
      toJSON(): string {
        return "not this";
      }
    }
    const row: unknown = Object.assign(Object.create(null), { id: 1 });
    expect(roundTrip(Rows.from([row]))).toStrictEqual([{ id: 1 }]);
  });

  it("takes plain objects of another realm", () => {
    expect(roundTrip(runInNewContext("({ a: [1, { b: 2 }] })"))).toStrictEqual({ a: [1, { b: 2 }] });
  });

  it("sends an object twice when it is referred to twice", () => {
    const shared = { n: 1 };
    expect(roundTrip([shared, { shared }])).toStrictEqual([{ n: 1 }, { shared: { n: 1 } }]);
  });

  it("carries errors with their class, cause and own properties", () => {
    const error = Object.assign(new TypeError("outer", { cause: new RangeError("inner") }), {
      at: new Date(0),
    });
    const { found } = roundTrip({ found: error }) as { found: TypeError & { at: Date; cause: Error } };
    expect(found).toBeInstanceOf(TypeError);
    expect(found.cause).toBeInstanceOf(RangeError);
    expect(found.at).toStrictEqual(new Date(0));
    expect(found.stack).toBe(error.stack);
    expect(encodeValue(found)).toBe(encodeValue(error));
  });

  it("carries an error that holds itself", () => {
    const error: Error & { self?: unknown } = new Error("round");
    error.self = error;
    expect((roundTrip(error) as typeof error).self).toMatchObject({ message: "round" });
  });
});

describe("a value that cannot travel", () => {
  class Invoice {
    total = 1;
  }
  const cycle: { list: unknown[] } = { list: [] };
  cycle.list.push({ back: cycle });

  it.each<[string, unknown, string, RegExp]>([
    [
      "a function",
      { items: [0, 1, 2, { callback: function onDone() {} }] },
      "$.items[3].callback",
      /function \(onDone\)/,
    ],
    ["a class", { Invoice }, "$.Invoice", /a class \(Invoice\)/],
    ["a symbol", [Symbol("s")], "$[0]", /a symbol \(Symbol\(s\)\)/],
    ["a promise", { p: Promise.resolve() }, "$.p", /a Promise/],
    ["an instance", { a: { "odd key": new Invoice() } }, '$.a["odd key"]', /an instance of Invoice/],
    ["a boxed number", [new Number(1)], "$[0]", /an instance of Number/],
    ["a weak map", new WeakMap(), "$", /an instance of WeakMap/],
    ["a function in a map", { m: new Map([["k", () => 1]]) }, "$.m[0][1]", /a function without a name/],
    ["a function in a set", new Set([1, () => 1]), "$[1]", /function/],
    ["an own toJSON", { toJSON: () => 1 }, "$.toJSON", /function \(toJSON\)/],
    ["a cycle", { deep: cycle }, "$.deep.list[0].back", /refers back to \$\.deep$/],
    ["a cycle of the root", cycle, "$.list[0].back", /refers back to \$$/],
  ])("is refused with its path: %s", (_name, value, path, message) => {
    const error = catchError(() => encodeValue(value));
    expect(error).toMatchObject({ code: "VALUE_NOT_SERIALIZABLE", details: { path } });
    expect(error.message).toContain(`the value at ${path} `);
    expect(error.message).toMatch(message);
    expect(error.hint).not.toBe("");
  });

  it("is refused when a getter throws, with the reason and the path", () => {
    const boom = new Error("boom");
    const value = { a: [{ get b(): never { throw boom; } }] }; // biome-ignore format: one line shows the shape
    const error = catchError(() => encodeValue(value));
    expect(error).toMatchObject({
      code: "VALUE_NOT_SERIALIZABLE",
      details: { path: "$.a[0].b" },
      cause: boom,
    });
  });

  it("is refused beyond a depth, without exhausting the stack", () => {
    const nest = (levels: number): unknown => {
      let value: unknown = 1;
      for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { v: value };
      return value;
    };
    expect(roundTrip(nest(1000))).toStrictEqual(nest(1000));
    expect(catchError(() => encodeValue(nest(1001))).code).toBe("VALUE_NOT_SERIALIZABLE");
    expect(catchError(() => encodeValue(nest(100_000))).message).toMatch(/deeper than 1000/);
  });

  it("is refused above 10 MiB, counted in bytes of UTF-8", () => {
    const limit = MAX_VALUE_BYTES;
    expect(encodeValue("x".repeat(limit - 2))).toHaveLength(limit);
    const tooLarge = catchError(() => encodeValue("é".repeat(limit / 2)));
    expect(tooLarge).toMatchObject({
      code: "INLINE_VALUE_TOO_LARGE",
      details: { sizeBytes: limit + 2, limitBytes: limit },
    });
    expect(tooLarge.message).toContain("10 MiB");
  });

  it("is refused at once when it is small in memory and huge as text", () => {
    let bomb: unknown[] = [];
    for (let i = 0; i < 40; i++) bomb = [bomb, bomb];
    expect(catchError(() => encodeValue(bomb)).code).toBe("INLINE_VALUE_TOO_LARGE");
    const holes: unknown[] = [];
    holes[2 ** 32 - 2] = 1;
    expect(catchError(() => encodeValue(holes)).code).toBe("INLINE_VALUE_TOO_LARGE");
    const shared = "x".repeat(1_000_000);
    expect(catchError(() => encodeValue(Array(100_000).fill([shared]))).code).toBe("INLINE_VALUE_TOO_LARGE");
  });
});

describe("text from outside", () => {
  it("decodes or is refused as malformed, whatever it is", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          jsonValue.map((value) => JSON.stringify(value)),
        ),
        (text) => {
          let value: unknown;
          try {
            value = decodeValue(text);
          } catch (error) {
            expect(error).toMatchObject({ code: "VALUE_MALFORMED" });
            return;
          }
          expectSame(roundTrip(value), value);
        },
      ),
      { numRuns: 1000 },
    );
  });

  const tags = [...RESERVED_TAGS];
  it("is refused when a tag holds what its type never writes", () => {
    fc.assert(
      fc.property(fc.constantFrom(...tags), jsonValue, (tag, payload) => {
        const text = JSON.stringify({ [`$${tag}`]: payload });
        try {
          const value = decodeValue(text);
          expectSame(roundTrip(value), value);
        } catch (error) {
          expect(error).toMatchObject({ code: "VALUE_MALFORMED" });
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    "",
    "{",
    "undefined",
    '{"$unknown":1}',
    '{"$":1}',
    '{"$toString":1}',
    '{"$constructor":{}}',
    '{"$undefined":false}',
    '{"$number":"1"}',
    '{"$number":"toString"}',
    '{"$bigint":"1n"}',
    '{"$bigint":""}',
    '{"$bigint":"0x10"}',
    '{"$bigint":7}',
    '{"$date":"yesterday"}',
    '{"$date":"2026-01-31"}',
    '{"$date":"2026-01-31T00:00:00"}',
    '{"$date":"2026-13-31T00:00:00Z"}',
    '{"$date":0}',
    '{"$map":[["k"]]}',
    '{"$map":{}}',
    '{"$set":"abc"}',
    '{"$url":"not a url"}',
    '{"$regexp":["(",""]}',
    '{"$regexp":["a","zz"]}',
    '{"$bytes":"A"}',
    '{"$bytes":"AQI"}',
    '{"$bytes":"AQ*="}',
    '{"$bytes":[1]}',
    '{"$float64array":"AQI="}',
    '{"$error":{}}',
    '{"$error":"boom"}',
    '{"$error":{"code":"ABORTED","kind":"user","retryable":false,"name":"E","message":"m","cause":1}}',
    '[{"a":{"$set":[{"$date":1}]}}]',
  ])("is refused as malformed: %s", (text) => {
    expect(catchError(() => decodeValue(text)).code).toBe("VALUE_MALFORMED");
  });

  it("names an unknown tag and how to write such a property", () => {
    const error = catchError(() => decodeValue('{"$ref":"#/a"}'));
    expect(error.message).toContain('"$ref"');
    expect(error.hint).toContain('"$$ref"');
    expect(decodeValue('{"$$ref":"#/a"}')).toStrictEqual({ $ref: "#/a" });
  });

  it("means the same however the JSON is spaced and escaped", () => {
    const value = new Date(0);
    expect(decodeValue('{ "$date" : "1970-01-01T00:00:00Z" }')).toStrictEqual(value);
    expect(decodeValue('{"\\u0024date":"1970-01-01T00:00:00.000Z"}')).toStrictEqual(value);
  });

  it("reaches no prototype", () => {
    const text =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"d":{"$set":[{"__proto__":{"polluted":1}}]}}';
    const value = decodeValue(text) as Record<string, unknown>;
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toStrictEqual(["__proto__", "constructor", "d"]);
    expect(encodeValue(value)).toBe(text);
    const record =
      '{"code":"TASK_FAILED","kind":"user","retryable":true,"name":"E","message":"m","data":{"__proto__":{"polluted":1},"stack":"s"}}';
    const error = decodeValue(`{"$error":${record}}`) as Error & { polluted?: unknown };
    expect(error).toBeInstanceOf(Error);
    expect(error.polluted).toBeUndefined();
  });

  it("is refused when it is too deep, tags or not", () => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
      ['{"$set":[', "]}"],
      ['{"$$a":', "}"],
    ] as const) {
      const text = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
      expect(catchError(() => decodeValue(text)).message).toMatch(/nested deeper/);
      expect(catchError(() => canonicalText(text)).message).toMatch(/nested deeper/);
    }
    const causes = `{"$error":${'{"code":"TASK_FAILED","kind":"user","retryable":true,"name":"E","message":"m","cause":'.repeat(5000)}1`;
    expect(catchError(() => decodeValue(causes)).code).toBe("VALUE_MALFORMED");
  });

  it("has its depth measured as it is, brackets in strings left out", () => {
    const depthOf = (value: unknown): number =>
      typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: fc.constantFrom("[", "{", "]", '"', "\\", "a") }), (value) => {
        // Spaces make any text long enough to be measured.
        expect(measureDepth(JSON.stringify(value) + " ".repeat(100), 100)).toBe(depthOf(value));
      }),
    );
  });
});

describe("the canonical text", () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
      return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([k, v]) => [k, shuffled(v)]),
    );
  };

  it("does not depend on the order of keys", () => {
    fc.assert(
      fc.property(supportedValue, (value) => {
        expect(canonicalValue(shuffled(value))).toBe(canonicalValue(value));
      }),
    );
    expect(encodeValue({ b: 1, a: 2 })).not.toBe(encodeValue({ a: 2, b: 1 }));
  });

  it("is the same from a value and from its text, and stands for the same value", () => {
    fc.assert(
      fc.property(supportedValue, (value) => {
        const text = canonicalValue(value);
        expect(canonicalText(encodeValue(value))).toBe(text);
        expect(canonicalText(text)).toBe(text);
        expectSame(decodeValue(text), value);
      }),
    );
  });

  it("is equal for equal values and for no others", () => {
    // Few and short, so that equal pairs in another order come up often.
    const word = fc.constantFrom("a", "b", "10", "9", "__proto__");
    const inner = fc.oneof(
      fc.integer({ min: 0, max: 1 }),
      fc.array(word, { maxLength: 2 }),
      fc.constant("1"),
    );
    const smallJson = fc
      .array(fc.tuple(word, inner), { maxLength: 3 })
      .map((entries) => Object.fromEntries(entries));
    fc.assert(
      fc.property(smallJson, smallJson, (a, b) => {
        expect(canonicalValue(a) === canonicalValue(b)).toBe(isDeepStrictEqual(a, b));
      }),
      { numRuns: 2000 },
    );
    const different = [
      1,
      "1",
      [1],
      { a: 1 },
      { a: "1" },
      { a: undefined },
      {},
      null,
      undefined,
      -0,
      0,
      1n,
      new Set([1]),
    ];
    expect(new Set(different.map(canonicalValue)).size).toBe(different.length);
    expect(canonicalValue(new Set([1, 2]))).not.toBe(canonicalValue(new Set([2, 1])));
  });

  it("leaves out the stacks of errors, and nothing else that is called stack", () => {
    const make = (stack: string, cause?: Error): Error =>
      Object.assign(new Error("m", cause && { cause }), { stack, data: 1 });
    const one = { stack: "kept", error: make("one", make("a")) };
    const two = { error: make("two", make("b")), stack: "kept" };
    expect(canonicalValue(one)).toBe(canonicalValue(two));
    expect(canonicalText(encodeValue(one))).toBe(canonicalValue(two));
    expect(canonicalValue({ ...two, stack: "other" })).not.toBe(canonicalValue(one));
    const sorted =
      '{"$error":{"code":"TASK_FAILED","kind":"user","message":"m","name":"E","retryable":true,"stack":"s"}}';
    expect(canonicalText(sorted)).toBe(sorted.replace(',"stack":"s"', ""));
    expect(canonicalValue(make("one"))).not.toBe(canonicalValue(make("one", make("a"))));
  });
});

describe("a registered type", () => {
  class Money {
    readonly cents: bigint;
    constructor(cents: bigint) {
      this.cents = cents;
    }
  }
  const money = {
    tag: "money",
    is: (value: object): value is Money => value instanceof Money,
    encode: (value: Money) => ({ cents: value.cents }),
    decode(payload: { cents: bigint }) {
      if (typeof payload.cents !== "bigint") throw new TypeError("no cents");
      return new Money(payload.cents);
    },
  };

  it("travels wherever other values do, until it is taken out", () => {
    const unregister = registerValueType(money);
    try {
      const value = { paid: [new Money(5n)], byId: new Map([[1, new Money(7n)]]) };
      expect(roundTrip(value)).toStrictEqual(value);
      expect(encodeValue(new Money(5n))).toBe('{"$money":{"cents":{"$bigint":"5"}}}');
      expect(catchError(() => decodeValue('{"$money":{}}')).code).toBe("VALUE_MALFORMED");
      expect(catchError(() => registerValueType(money)).code).toBe("VALUE_TYPE_DUPLICATE");
    } finally {
      unregister();
    }
    expect(catchError(() => encodeValue(new Money(5n))).code).toBe("VALUE_NOT_SERIALIZABLE");
    expect(catchError(() => decodeValue('{"$money":{}}')).code).toBe("VALUE_MALFORMED");
  });

  it("wins over the class it extends", () => {
    class Day extends Date {}
    const unregister = registerValueType<Day, number>({
      tag: "day",
      is: (value): value is Day => value instanceof Day,
      encode: (day) => day.getTime(),
      decode: (time) => new Day(time),
    });
    try {
      expect(roundTrip(new Day(5))).toBeInstanceOf(Day);
      expect(roundTrip(new Date(5))).not.toBeInstanceOf(Day);
    } finally {
      unregister();
    }
  });

  it("cannot take a tag that is taken or not allowed", () => {
    for (const tag of RESERVED_TAGS) {
      expect(catchError(() => registerValueType({ ...money, tag })).code).toBe("VALUE_TYPE_DUPLICATE");
    }
    for (const tag of ["", "$x", "Money", "a b"]) {
      expect(catchError(() => registerValueType({ ...money, tag })).message).toContain(JSON.stringify(tag));
    }
  });

  it("reserves exactly the tags the library uses", () => {
    const used = [
      ...Object.keys(PRIMITIVE_DECODERS),
      ...CLASS_TYPES.map((type) => type.tag),
      "error",
      "blob",
    ];
    expect(new Set(used).size).toBe(used.length);
    // Some versions of Node have no Float16Array; its tag is reserved all the same.
    expect(new Set([...used, "float16array"])).toStrictEqual(RESERVED_TAGS);
  });
});

/** Vitest's `toStrictEqual` takes an own property called "constructor" for the class. */
function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect.fail(`${inspect(actual)} is not ${inspect(expected)}`);
}

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  Object.freeze(value);
  for (const item of value instanceof Map
    ? [...value].flat()
    : value instanceof Set
      ? value
      : Object.values(value)) {
    freeze(item);
  }
}

function catchError(act: () => unknown): GodwitError {
  try {
    act();
  } catch (error) {
    if (error instanceof GodwitError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
