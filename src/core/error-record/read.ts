import {
  ERROR_PROPERTIES,
  type ErrorRecord,
  type Json,
  MAX_CAUSES,
  NATIVE_ERRORS,
  type RecordCodec,
} from "../error-record.ts";
import { errorFor, type GodwitErrorOptions } from "../errors.ts";

/** The error a task's failure becomes in whoever awaits it: a platform class by code, or a `TaskError`. */
export function readErrorRecord(record: ErrorRecord, codec: RecordCodec): Error {
  return platformError(record, codec, 0);
}

/**
 * The error a record stands for inside a value or as a cause. What never was a task's failure stays what it was:
 * a `TypeError` in a task's output is a real `TypeError` again.
 */
export function readInnerError(record: ErrorRecord, codec: RecordCodec, depth = 0): Error {
  const isFailure =
    record.code !== "TASK_FAILED" ||
    record.task !== undefined ||
    record.action !== undefined ||
    record.hint !== undefined;
  if (isFailure || record.attempts !== undefined || record.details !== undefined || !record.retryable) {
    return platformError(record, codec, depth);
  }
  const data = decodeData(record, codec);
  if (data === undefined) return nativeError(record, {}, codec, depth);
  // A thrown array, Map or `{}` needs the `data` of a TaskError.
  return canBeOwn(data, record)
    ? nativeError(record, data, codec, depth)
    : platformError(record, codec, depth);
}

/** Whether own properties of an error can hold this data, so that writing the error finds them again. */
function canBeOwn(data: unknown, record: ErrorRecord): data is object {
  if (typeof data !== "object" || data === null || Object.getPrototypeOf(data) !== Object.prototype)
    return false;
  const entries = Object.entries(data);
  const isFree = (key: string): boolean => !ERROR_PROPERTIES.has(key) && !(key === "errors" && record.errors);
  return entries.length > 0 && entries.every(([key, value]) => value !== undefined && isFree(key));
}

function platformError(record: ErrorRecord, codec: RecordCodec, depth: number): Error {
  const data = decodeData(record, codec);
  const inner = readInner(record, codec, depth);
  const options: GodwitErrorOptions = {
    name: record.name,
    kind: record.kind,
    retryable: record.retryable,
    ...(record.hint !== undefined && { hint: record.hint }),
    ...(record.task !== undefined && { task: record.task }),
    ...(record.action !== undefined && { action: record.action }),
    ...(record.attempts !== undefined && { attempts: record.attempts }),
    ...(record.details !== undefined && { details: decode(record.details, codec) }),
    ...(data !== undefined && { data }),
    ...inner,
  };
  return withStack(errorFor(record.code, record.message, options), record.stack);
}

function nativeError(record: ErrorRecord, data: object, codec: RecordCodec, depth: number): Error {
  const { cause, errors } = readInner(record, codec, depth);
  const isAggregate = errors !== undefined && record.name === "AggregateError";
  const Class = NATIVE_ERRORS.get(record.name) ?? Error;
  const error = isAggregate ? new AggregateError(errors, record.message) : new Class(record.message);
  if (errors !== undefined && !isAggregate) define(error, "errors", errors);
  if (cause !== undefined) define(error, "cause", cause);
  if (error.name !== record.name) define(error, "name", record.name);
  for (const [key, value] of Object.entries(data)) define(error, key, value, true);
  return withStack(error, record.stack);
}

function readInner(
  record: ErrorRecord,
  codec: RecordCodec,
  depth: number,
): Pick<GodwitErrorOptions, "cause" | "errors"> {
  // Records of this version are never deeper; others must not be able to exhaust the stack.
  if (depth >= MAX_CAUSES) return {};
  return {
    ...(record.cause !== undefined && { cause: readInnerError(record.cause, codec, depth + 1) }),
    ...(record.errors !== undefined && {
      errors: record.errors.map((inner) => readInnerError(inner, codec, depth + 1)),
    }),
  };
}

function decodeData(record: ErrorRecord, codec: RecordCodec): unknown {
  return record.data === undefined ? undefined : decode(record.data, codec);
}

function decode(data: Json, codec: RecordCodec): unknown {
  try {
    return codec.decodeData(data);
  } catch {
    // The failure itself matters more than its extras, for example when a value type is not registered here.
    return undefined;
  }
}

function withStack(error: Error, stack: string | undefined): Error {
  // The stack of the place where it was revived would point at this file instead of the user's.
  define(error, "stack", stack);
  return error;
}

function define(error: Error, key: string, value: unknown, enumerable = false): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
}
