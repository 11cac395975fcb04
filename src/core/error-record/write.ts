import {
  ERROR_PROPERTIES,
  type ErrorOrigin,
  type ErrorRecord,
  GODWIT_PROPERTIES,
  type Json,
  MAX_CAUSES,
  MAX_MESSAGE_BYTES,
  MAX_RECORDS,
  MAX_STACK_BYTES,
  NATIVE_ERRORS,
  type RecordCodec,
} from "../error-record.ts";
import { type ErrorCode, type ErrorKind, errorRow } from "../error-table.ts";
import { GodwitError } from "../godwit-error.ts";
import { clipUtf8 } from "../utf8.ts";

/** State of one conversion: what has been seen, and how many more records may be made. */
interface Walk {
  readonly codec: RecordCodec;
  readonly seen: Set<object>;
  left: number;
}

type Draft = { -readonly [Key in keyof ErrorRecord]: ErrorRecord[Key] };

/** Turns whatever was thrown into a record; never throws itself, however hostile the thrown object is. */
export function writeErrorRecord(thrown: unknown, codec: RecordCodec, at: ErrorOrigin = {}): ErrorRecord {
  return write(thrown, { codec, seen: new Set(), left: MAX_RECORDS }, at, 0);
}

function write(thrown: unknown, walk: Walk, at: ErrorOrigin, depth: number): ErrorRecord {
  walk.left--;
  if (typeof thrown !== "object" || thrown === null)
    return userRecord("NonError", describePrimitive(thrown), at);
  walk.seen.add(thrown);
  const record = isGodwitError(thrown)
    ? writePlatformError(thrown, walk.codec, at)
    : writeUserError(thrown, walk.codec, at);
  const stack = read(thrown, "stack");
  if (typeof stack === "string") record.stack = clipUtf8(stack, MAX_STACK_BYTES);
  writeInner(thrown, record, walk, depth);
  return record;
}

function writeUserError(thrown: object, codec: RecordCodec, at: ErrorOrigin): Draft {
  const message = read(thrown, "message");
  const isErrorLike = isError(thrown) || typeof message === "string";
  const record = isErrorLike
    ? userRecord(nameOf(thrown), typeof message === "string" ? message : "", at)
    : userRecord("NonError", `${Array.isArray(thrown) ? "an array" : "an object"} was thrown`, at);
  const whole = isErrorLike ? undefined : codec.encodeData(thrown);
  const data = whole ?? ownData(thrown, codec);
  if (data !== undefined) record.data = data;
  return record;
}

function writePlatformError(thrown: object, codec: RecordCodec, at: ErrorOrigin): Draft {
  const code = String(read(thrown, "code")) as ErrorCode;
  const row = errorRow(code);
  const kind = read(thrown, "kind");
  const retryable = read(thrown, "retryable");
  const record: Draft = {
    code,
    kind: isKind(kind) ? kind : row.kind,
    retryable: typeof retryable === "boolean" ? retryable : row.retryable,
    name: nameOf(thrown),
    message: clipUtf8(String(read(thrown, "message") ?? ""), MAX_MESSAGE_BYTES),
  };
  const task = read(thrown, "task") ?? at.task;
  const action = read(thrown, "action") ?? at.action;
  const attempts = read(thrown, "attempts");
  const hint = read(thrown, "hint");
  if (typeof task === "string") record.task = task;
  if (typeof action === "string") record.action = action;
  if (typeof attempts === "number") record.attempts = attempts;
  if (typeof hint === "string" && hint !== row.hint) record.hint = clipUtf8(hint, MAX_MESSAGE_BYTES);
  const details = encodeIfGiven(read(thrown, "details"), codec);
  if (details !== undefined) record.details = details;
  const data = encodeIfGiven(read(thrown, "data"), codec) ?? ownData(thrown, codec);
  if (data !== undefined) record.data = data;
  return record;
}

function writeInner(thrown: object, record: Draft, walk: Walk, depth: number): void {
  const cause = read(thrown, "cause");
  if (cause !== undefined && cause !== null && walk.left > 0) record.cause = writeOne(cause, walk, depth + 1);
  const errors = innerErrors(thrown);
  if (!errors || walk.left === 0) return;
  const written: ErrorRecord[] = [];
  for (let i = 0; i < errors.length && walk.left > 0; i++) {
    const isCutHere = walk.left === 1 && i < errors.length - 1;
    written.push(
      isCutHere
        ? notice(`${errors.length - i} more errors left out`, walk)
        : writeOne(read(errors, i), walk, depth + 1),
    );
  }
  record.errors = written;
}

function writeOne(thrown: unknown, walk: Walk, depth: number): ErrorRecord {
  if (typeof thrown === "object" && thrown !== null) {
    if (walk.seen.has(thrown)) return notice("an error that is shown above", walk);
    // The last place says that something is missing. Notices count like records, so that writing the revived
    // record again cuts at no other place.
    const isLast = depth === MAX_CAUSES || walk.left === 1;
    if (isLast && hasInner(thrown)) return notice("further causes left out", walk);
  }
  return write(thrown, walk, {}, depth);
}

function hasInner(thrown: object): boolean {
  return (read(thrown, "cause") ?? undefined) !== undefined || innerErrors(thrown) !== undefined;
}

/** The failures inside an aggregate; the `errors` of a validation library are plain data instead. */
function innerErrors(thrown: object): readonly unknown[] | undefined {
  const errors = read(thrown, "errors");
  if (!isError(thrown) || !Array.isArray(errors)) return undefined;
  const isInner = survive(() => thrown instanceof AggregateError || errors.every(isError)) ?? false;
  return isInner ? errors : undefined;
}

function notice(text: string, walk: Walk): ErrorRecord {
  walk.left--;
  return userRecord("Error", `[${text}]`, {});
}

function userRecord(name: string, message: string, at: ErrorOrigin): Draft {
  const { kind, retryable } = errorRow("TASK_FAILED");
  const record: Draft = {
    code: "TASK_FAILED",
    kind,
    retryable,
    name,
    message: clipUtf8(message, MAX_MESSAGE_BYTES),
  };
  if (at.task !== undefined) record.task = at.task;
  if (at.action !== undefined) record.action = at.action;
  return record;
}

/** The error's own properties that can travel and fit; one that cannot does not cost the others. */
function ownData(thrown: object, codec: RecordCodec): Json | undefined {
  const kept: Record<string, unknown> = Object.create(null);
  let data: Json | undefined;
  for (const key of ownKeys(thrown).slice(0, MAX_PROPERTIES)) {
    if (ERROR_PROPERTIES.has(key) || (key === "errors" && innerErrors(thrown))) continue;
    if (GODWIT_PROPERTIES.has(key) && isGodwitError(thrown)) continue;
    const value = read(thrown, key);
    if (value === undefined) continue;
    kept[key] = value;
    const encoded = codec.encodeData(kept);
    if (encoded === undefined) delete kept[key];
    else data = encoded;
  }
  return data;
}

function encodeIfGiven(value: unknown, codec: RecordCodec): Json | undefined {
  return value === undefined ? undefined : codec.encodeData(value);
}

function describePrimitive(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  if (typeof thrown === "function") return "a function was thrown";
  return `${String(thrown)} was thrown`;
}

/** An inherited built-in name says less than the name of a user's class, which many authors set nowhere else. */
function nameOf(thrown: object): string {
  const name = read(thrown, "name");
  if (typeof name !== "string" || name === "") return isError(thrown) ? "Error" : "NonError";
  if (ownKeys(thrown, true).includes("name") || !NATIVE_ERRORS.has(name))
    return clipUtf8(name, MAX_NAME_BYTES);
  const className = read(read(thrown, "constructor"), "name");
  return typeof className === "string" && className !== "" ? clipUtf8(className, MAX_NAME_BYTES) : name;
}

function isKind(value: unknown): value is ErrorKind {
  return value === "user" || value === "system" || value === "usage" || value === "unknown";
}

function isGodwitError(thrown: object): boolean {
  return survive(() => thrown instanceof GodwitError) ?? false;
}

function isError(thrown: unknown): boolean {
  // The string form also finds errors of another realm (`node:vm`).
  return (
    survive(() => thrown instanceof Error || Object.prototype.toString.call(thrown) === "[object Error]") ??
    false
  );
}

function read(from: unknown, key: string | number): unknown {
  return survive(() => (from as Record<string | number, unknown>)[key]);
}

function ownKeys(of: object, withHidden = false): string[] {
  return survive(() => (withHidden ? Object.getOwnPropertyNames(of) : Object.keys(of))) ?? [];
}

/** Getters and proxies of a thrown object may throw; a report of a failure must not fail. */
function survive<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

const MAX_NAME_BYTES = 256;
const MAX_PROPERTIES = 64;
