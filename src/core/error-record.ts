import type { ErrorCode, ErrorKind } from "./error-table.ts";

/**
 * What JSON can hold.
 *
 * @example const json: Json = { a: [1, null] };
 */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * An error as it is stored and sent: plain JSON that loses nothing a parent, a person or a retry policy needs.
 *
 * @example
 * const record: ErrorRecord = {
 *   code: "TASK_FAILED", kind: "user", retryable: true,
 *   name: "CardDeclined", message: "insufficient funds", task: "shop.charge", action: "k5v…",
 * };
 */
export interface ErrorRecord {
  /** A newer version may have sent a code that this one does not know. */
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly retryable: boolean;
  /** Name of the error's class, as its author wrote it. */
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Only when it differs from the hint in the error table. */
  readonly hint?: string;
  readonly cause?: ErrorRecord;
  /** The failures inside an `AggregateError`. */
  readonly errors?: readonly ErrorRecord[];
  /** The task and action where it came from; kept when parents pass it on. */
  readonly task?: string;
  readonly action?: string;
  readonly attempts?: number;
  /** Facts for programs, in the tagged form of the value codec. */
  readonly details?: Json;
  /** The error's own properties, in the tagged form of the value codec. */
  readonly data?: Json;
}

/** Where an error happened. */
export interface ErrorOrigin {
  readonly task?: string;
  readonly action?: string;
}

/** How a record holds values: the value codec, handed in because that codec holds errors itself. */
export interface RecordCodec {
  /** The tagged form of `value`, or `undefined` when it cannot travel or is larger than `MAX_DATA_BYTES`. */
  encodeData(value: unknown): Json | undefined;
  decodeData(data: Json): unknown;
}

export const MAX_MESSAGE_BYTES: number = 8 * 1024;
export const MAX_STACK_BYTES: number = 16 * 1024;
export const MAX_DATA_BYTES: number = 16 * 1024;
/** How many causes are followed. */
export const MAX_CAUSES = 8;
/** How many records one error may become, its causes and inner errors included. */
export const MAX_RECORDS = 32;

type NativeErrorClass = new (message: string) => Error;

/** The names that are JavaScript's own, with what makes such an error again. */
export const NATIVE_ERRORS: ReadonlyMap<string, NativeErrorClass> = new Map<string, NativeErrorClass>([
  ["Error", Error],
  ["TypeError", TypeError],
  ["RangeError", RangeError],
  ["SyntaxError", SyntaxError],
  ["ReferenceError", ReferenceError],
  ["EvalError", EvalError],
  ["URIError", URIError],
]);

/** Properties of every error: never part of `data`. */
export const ERROR_PROPERTIES: ReadonlySet<string> = new Set(["name", "message", "stack", "cause"]);

/** Properties of a `GodwitError`: fields of the record, so never part of `data` either. */
export const GODWIT_PROPERTIES: ReadonlySet<string> = new Set([
  "code",
  "kind",
  "retryable",
  "hint",
  "details",
  "data",
  "task",
  "action",
  "attempts",
  "errors",
]);

/**
 * Whether a value that came from outside has the shape of a record.
 *
 * @example isErrorRecord({ code: "ABORTED" }) // false: it has no message
 */
export function isErrorRecord(value: unknown): value is ErrorRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Partial<Record<keyof ErrorRecord, unknown>>;
  return (
    typeof record.code === "string" &&
    typeof record.kind === "string" &&
    typeof record.retryable === "boolean" &&
    typeof record.name === "string" &&
    typeof record.message === "string" &&
    (record.stack === undefined || typeof record.stack === "string") &&
    (record.cause === undefined || isErrorRecord(record.cause)) &&
    (record.errors === undefined || (Array.isArray(record.errors) && record.errors.every(isErrorRecord)))
  );
}
