import { readErrorRecord } from "./error-record/read.ts";
import { writeErrorRecord } from "./error-record/write.ts";
import type { ErrorOrigin, ErrorRecord } from "./error-record.ts";
import { decodeValue, type EncodedValue, encodeValue, recordCodec } from "./value.ts";

export type { ErrorOrigin, ErrorRecord } from "./error-record.ts";

/**
 * How an action ended. A task that returns nothing has the value `undefined`, encoded like any other.
 *
 * @example const outcome: Outcome = { ok: true, value: encodeValue(42) };
 */
export type Outcome =
  | { readonly ok: true; readonly value: EncodedValue }
  | { readonly ok: false; readonly error: ErrorRecord };

/**
 * The outcome of a task that returned `value`. Throws when the value cannot travel.
 *
 * @example succeeded({ x: 1 }) // { ok: true, value: '{"x":1}' }
 */
export function succeeded(value: unknown): Outcome {
  return { ok: true, value: encodeValue(value) };
}

/**
 * The outcome of a task that threw.
 *
 * @example failed(error, { task: "hello.main", action: "a0" })
 */
export function failed(thrown: unknown, at?: ErrorOrigin): Outcome {
  return { ok: false, error: toErrorRecord(thrown, at) };
}

/**
 * What an outcome is to whoever awaits it: its value, or its error thrown.
 *
 * @example const y = readOutcome(outcome); // throws a TaskError when the task failed
 */
export function readOutcome(outcome: Outcome): unknown {
  if (outcome.ok) return decodeValue(outcome.value);
  throw fromErrorRecord(outcome.error);
}

/**
 * The record of whatever was thrown: errors, strings, `undefined`, objects whose getters throw. Long messages,
 * stacks and chains of causes are clipped with a notice, own properties that cannot travel are left out. `at` says
 * where it was thrown; an error that came from another task keeps the place it came from.
 *
 * @example toErrorRecord(new TypeError("no such field"), { task: "hello.main", action: "a0" })
 */
export function toErrorRecord(thrown: unknown, at?: ErrorOrigin): ErrorRecord {
  return writeErrorRecord(thrown, recordCodec, at);
}

/**
 * The error of a record: a platform error as its class, a user's own as a `TaskError` with the name of the class
 * that was thrown. `toErrorRecord` gives the same record back, so an error can pass through any number of parents.
 *
 * @example fromErrorRecord(record) instanceof OutOfMemoryError
 */
export function fromErrorRecord(record: ErrorRecord): Error {
  return readErrorRecord(record, recordCodec);
}
