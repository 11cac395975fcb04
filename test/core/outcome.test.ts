import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ErrorRecord } from "../../src/core/error-record.ts";
import { ERRORS, type ErrorCode } from "../../src/core/error-table.ts";
import {
  AbortedError,
  errorFor,
  GodwitError,
  NonRecoverableError,
  TaskError,
} from "../../src/core/errors.ts";
import { failed, fromErrorRecord, readOutcome, succeeded, toErrorRecord } from "../../src/core/outcome.ts";
import { decodeValue, encodeValue } from "../../src/core/value.ts";
import { jsonValue, key, supportedValue } from "./arbitrary-value.ts";

const at = { task: "shop.charge", action: "k5v" };

const errorCode = fc.constantFrom(...(Object.keys(ERRORS) as ErrorCode[]));

/** Errors as they are thrown: platform and user errors, with data, causes and aggregates, and things that are none. */
const thrown: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 4 }, tie("odd"), tie("native"), tie("platform"), tie("aggregate")),
  odd: fc.oneof(
    supportedValue,
    fc.constant(() => 1),
    fc.constant(Symbol("s")),
  ),
  native: fc
    .record({
      make: fc.constantFrom(
        Error,
        TypeError,
        RangeError,
        class PaymentError extends Error {},
        class Odd extends SyntaxError {},
      ),
      message: fc.string(),
      cause: fc.option(tie("any"), { nil: undefined }),
      own: fc.array(fc.tuple(key, supportedValue), { maxLength: 3 }),
      hasStack: fc.boolean(),
    })
    .map(({ make, message, cause, own, hasStack }) => {
      const error = new make(message, { cause });
      for (const [name, value] of own)
        Object.defineProperty(error, name, { value, enumerable: true, configurable: true });
      if (!hasStack) Object.defineProperty(error, "stack", { value: undefined });
      return error;
    }),
  platform: fc
    .record({
      code: errorCode,
      message: fc.string(),
      options: fc.record(
        {
          cause: tie("any"),
          data: supportedValue,
          details: jsonValue,
          hint: fc.string(),
          task: fc.string(),
          action: fc.string(),
          attempts: fc.nat(),
          retryable: fc.boolean(),
          kind: fc.constantFrom("user" as const, "system" as const),
          name: fc.string({ minLength: 1 }),
        },
        { requiredKeys: [] },
      ),
    })
    .map(({ code, message, options }) => errorFor(code, message, options)),
  aggregate: fc
    .tuple(fc.array(tie("any"), { maxLength: 6 }), fc.string())
    .map(([errors, message]) => new AggregateError(errors, message)),
})).any;

/** What the store does to a record on the way. */
const stored = (record: ErrorRecord): ErrorRecord => JSON.parse(JSON.stringify(record)) as ErrorRecord;

describe("an error record", () => {
  it("is plain JSON and survives any number of parents unchanged", () => {
    fc.assert(
      fc.property(thrown, (error) => {
        const record = toErrorRecord(error, at);
        expect(stored(record)).toEqual(record);
        const parent = fromErrorRecord(stored(record));
        expect(toErrorRecord(parent, { task: "shop.main", action: "a0" })).toEqual(record);
        expect(encodeValue(decodeValue(encodeValue(parent)))).toBe(encodeValue(parent));
      }),
      { numRuns: 1000 },
    );
  });

  it("becomes an error of the class that belongs to its code", () => {
    fc.assert(
      fc.property(errorCode, fc.string(), (code, message) => {
        const error = errorFor(code, message, { attempts: 3, details: { limit: 1 } });
        const revived = fromErrorRecord(stored(toErrorRecord(error, at)));
        expect(revived.constructor).toBe(error.constructor);
        expect(revived).toMatchObject({
          code,
          message,
          ...at,
          attempts: 3,
          details: { limit: 1 },
          hint: error.hint,
        });
        expect(revived.stack).toBe(error.stack);
      }),
    );
  });

  it("turns a user's error into a TaskError that keeps its name, message, stack and data", () => {
    class CardDeclined extends Error {
      readonly balance = 12n;
      readonly at = new Date(0);
    }
    const error = new CardDeclined("no funds", { cause: new RangeError("limit") });
    const revived = fromErrorRecord(stored(toErrorRecord(error, at)));
    expect(revived).toBeInstanceOf(TaskError);
    expect(revived).toMatchObject({
      name: "CardDeclined",
      message: "no funds",
      code: "TASK_FAILED",
      kind: "user",
      ...at,
    });
    expect((revived as TaskError).data).toStrictEqual({ balance: 12n, at: new Date(0) });
    expect(revived.stack).toBe(error.stack);
    expect(revived.cause).toBeInstanceOf(RangeError);
    expect(fromErrorRecord(toErrorRecord(new TypeError("t"))).name).toBe("TypeError");
  });

  it("keeps what a user sets on an error that says it must not be retried", () => {
    class Closed extends NonRecoverableError {
      readonly account = 7;
    }
    const record = toErrorRecord(new Closed("closed"), at);
    expect(record).toMatchObject({
      code: "NON_RECOVERABLE",
      name: "Closed",
      retryable: false,
      data: { account: 7 },
    });
    expect(fromErrorRecord(record)).toBeInstanceOf(NonRecoverableError);
  });

  it("keeps the place an error came from, and gives one to an error that has none", () => {
    const child = fromErrorRecord(toErrorRecord(new Error("x"), at));
    expect(toErrorRecord(child, { task: "other", action: "a0" })).toMatchObject(at);
    expect(toErrorRecord(new AbortedError("stop"), at)).toMatchObject(at);
    const wrapped = toErrorRecord(new Error("step failed", { cause: child }), {
      task: "shop.main",
      action: "a0",
    });
    expect(wrapped).toMatchObject({ task: "shop.main", cause: at });
    expect(fromErrorRecord(wrapped).cause).toBeInstanceOf(TaskError);
  });

  it.each<[unknown, Partial<ErrorRecord>]>([
    ["boom", { name: "NonError", message: "boom" }],
    [undefined, { name: "NonError", message: "undefined was thrown" }],
    [null, { name: "NonError", message: "null was thrown" }],
    [42, { name: "NonError", message: "42 was thrown" }],
    [Symbol("s"), { name: "NonError", message: "Symbol(s) was thrown" }],
    [() => 1, { name: "NonError", message: "a function was thrown" }],
    [{ status: 404 }, { name: "NonError", message: "an object was thrown", data: { status: 404 } }],
    [[1], { name: "NonError", message: "an array was thrown", data: [1] }],
    [
      { message: "no", code: 5 },
      { name: "NonError", message: "no", data: { code: 5 } },
    ],
    [new DOMException("stopped", "AbortError"), { name: "AbortError", message: "stopped" }],
  ])("of a thrown %o says what was thrown", (value, expected) => {
    const { stack: _stack, ...record } = toErrorRecord(value, at);
    expect(record).toStrictEqual({ code: "TASK_FAILED", kind: "user", retryable: true, ...at, ...expected });
  });

  it("holds the failures inside an AggregateError, whatever they are", async () => {
    const error: unknown = await Promise.any([Promise.reject(new TypeError("a")), Promise.reject("b")]).catch(
      (e) => e,
    );
    const revived = fromErrorRecord(stored(toErrorRecord(error, at))) as TaskError;
    expect(revived.name).toBe("AggregateError");
    expect(revived.errors).toMatchObject([
      { name: "TypeError", message: "a" },
      { name: "NonError", message: "b" },
    ]);
    const value = decodeValue(encodeValue(error));
    expect(value).toBeInstanceOf(AggregateError);
    expect((value as AggregateError).errors[0]).toBeInstanceOf(TypeError);
  });

  it("takes the `errors` of a validation library as the plain data they are", () => {
    const error = Object.assign(new Error("invalid"), { errors: [{ path: "a", message: "required" }] });
    expect(toErrorRecord(error)).toMatchObject({ data: { errors: [{ path: "a" }] } });
    expect((decodeValue(encodeValue(error)) as typeof error).errors).toStrictEqual(error.errors);
  });
});

describe("a record of a hostile error", () => {
  it("clips long messages and stacks with a notice, within the limit and between characters", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("a", "é", "€", "😀", "\ud800"),
        fc.integer({ min: 1, max: 40_000 }),
        (unit, count) => {
          const error = new Error(unit.repeat(count));
          error.stack = unit.repeat(count);
          const record = toErrorRecord(error);
          const bytes = (text = ""): number => Buffer.byteLength(text);
          expect(bytes(record.message)).toBeLessThanOrEqual(8192);
          expect(bytes(record.stack)).toBeLessThanOrEqual(16_384);
          if (bytes(unit) * count <= 8192) expect(record.message).toBe(error.message);
          else {
            const [, kept = "", more] = /^(.*)… \[(\d+) more characters\]$/su.exec(record.message) ?? [];
            expect(kept.length + Number(more)).toBe(error.message.length);
            expect(error.message.startsWith(kept)).toBe(true);
            expect(bytes(kept)).toBeGreaterThan(8192 - 50);
            expect(kept.length % unit.length).toBe(0);
          }
          expect(toErrorRecord(fromErrorRecord(record))).toEqual(record);
        },
      ),
    );
  });

  it("follows eight causes and says that there are more", () => {
    const chain = (length: number): Error =>
      length === 0 ? new Error("root") : new Error(`level ${length}`, { cause: chain(length - 1) });
    const messages = (record: ErrorRecord | undefined): string[] =>
      record ? [record.message, ...messages(record.cause)] : [];
    expect(messages(toErrorRecord(chain(8)))).toHaveLength(9);
    expect(messages(toErrorRecord(chain(8))).at(-1)).toBe("root");
    const long = toErrorRecord(chain(5000));
    expect(messages(long)).toHaveLength(9);
    expect(messages(long).at(-1)).toBe("[further causes left out]");
    expect(toErrorRecord(fromErrorRecord(long))).toEqual(long);
  });

  it("ends cyclic causes and trees of aggregates", () => {
    const a = new Error("a");
    a.cause = new Error("b", { cause: a });
    expect(toErrorRecord(a)).toMatchObject({
      message: "a",
      cause: { message: "b", cause: { message: "[an error that is shown above]" } },
    });
    let tree = new AggregateError([], "leaf");
    for (let i = 0; i < 30; i++)
      tree = new AggregateError([tree, new AggregateError([tree, tree, tree])], `level ${i}`);
    const wide = new AggregateError(Array.from({ length: 1000 }, (_, i) => new Error(`e${i}`)));
    for (const error of [tree, wide]) {
      const record = toErrorRecord(error);
      expect(countRecords(record)).toBeLessThanOrEqual(32);
      expect(JSON.stringify(record)).toContain("left out]");
      expect(toErrorRecord(fromErrorRecord(record))).toEqual(record);
    }
  });

  it("leaves out properties that cannot travel or do not fit, and keeps the others", () => {
    const error = Object.assign(new Error("x"), {
      request: new WeakMap(),
      big: "x".repeat(20_000),
      retry: () => 1,
      status: 503,
      when: new Date(0),
    });
    expect(toErrorRecord(error).data).toStrictEqual({
      status: 503,
      when: { $date: "1970-01-01T00:00:00.000Z" },
    });
    expect(
      toErrorRecord(new GodwitError("INTERNAL", "x", { details: { f: () => 1 }, data: "x".repeat(20_000) })),
    ).not.toHaveProperty("data");
  });

  it("survives getters and proxies that throw", () => {
    const angry = (): never => {
      throw new Error("no");
    };
    const error = new Error("shown");
    for (const name of ["stack", "cause", "errors", "extra", "name", "constructor"]) {
      Object.defineProperty(error, name, { get: angry, enumerable: true });
    }
    expect(toErrorRecord(error)).toMatchObject({ name: "Error", message: "shown" });
    const traps = Object.fromEntries(
      ["get", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor"].map((trap) => [trap, angry]),
    );
    expect(toErrorRecord(new Proxy(new Error("x"), traps)).name).toBe("NonError");
    expect(toErrorRecord(new Proxy(new TaskError("x"), traps)).name).toBe("NonError");
  });

  it("is revived even when its data cannot be, or its code is of a newer version", () => {
    const record = toErrorRecord(new Error("x"));
    expect(fromErrorRecord({ ...record, data: { $nope: 1 } })).toMatchObject({ message: "x" });
    const newer = { ...record, code: "BRAND_NEW" as ErrorCode, kind: "system" as const, task: "a.b" };
    const revived = fromErrorRecord(newer);
    expect(revived).toMatchObject({ code: "BRAND_NEW", kind: "system", retryable: true });
    expect(toErrorRecord(revived)).toEqual(newer);
    for (const code of ["toString", "__proto__", "constructor"]) {
      expect(fromErrorRecord({ ...record, code: code as ErrorCode })).toBeInstanceOf(GodwitError);
    }
  });
});

describe("an outcome", () => {
  it("gives back the value, or throws the error", () => {
    expect(readOutcome(succeeded(undefined))).toBeUndefined();
    expect(succeeded(undefined)).toStrictEqual({ ok: true, value: '{"$undefined":true}' });
    expect(readOutcome(succeeded(new Set([1])))).toStrictEqual(new Set([1]));
    expect(() => readOutcome(failed(new TypeError("t"), at))).toThrow(TaskError);
    expect(() => succeeded(() => 1)).toThrow(/cannot travel/);
  });
});

function countRecords(record: ErrorRecord): number {
  const inner = [...(record.cause ? [record.cause] : []), ...(record.errors ?? [])];
  return 1 + inner.reduce((sum, next) => sum + countRecords(next), 0);
}
