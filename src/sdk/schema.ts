import { GodwitError } from "../core/errors.ts";
import type { SchemaIssue, SchemaResult, StandardSchema } from "./standard-schema.ts";

/** What a value is, for the message of a refusal. */
export interface Subject {
  readonly kind: "input" | "output" | "answer";
  /** Name of the task or condition. */
  readonly of: string;
}

/** One reason why a value was refused. */
interface ValueIssue {
  /** JSON Pointer (RFC 6901) into the value; empty for the value itself. */
  readonly pointer: string;
  readonly message: string;
}

/**
 * `value` as the schema parses it; a promise only when the schema is asynchronous.
 *
 * @throws GodwitError INPUT_INVALID or OUTPUT_INVALID with `details: { issues: [{ pointer, message }] }`
 */
export function parseWith<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
  subject: Subject,
): Output | Promise<Output> {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) return result.then((settled) => accept(settled, value, subject));
  return accept(result, value, subject);
}

function accept<Output>(result: SchemaResult<Output>, value: unknown, subject: Subject): Output {
  if (result.issues === undefined) return result.value;
  throw refusal(result.issues, value, subject);
}

const SHOWN_ISSUES = 3;

function refusal(issues: readonly SchemaIssue[], value: unknown, subject: Subject): GodwitError {
  const errors = issues.map((issue): ValueIssue => ({ pointer: pointerOf(issue), message: issue.message }));
  const shown = errors.slice(0, SHOWN_ISSUES).map(({ pointer, message }) => {
    const place = pointer === "" ? "" : ` at ${pointer}`;
    return `${message}${place} (got ${quote(valueAt(value, pointer))})`;
  });
  const more = errors.length > SHOWN_ISSUES ? `; and ${errors.length - SHOWN_ISSUES} more` : "";
  const code = subject.kind === "output" ? "OUTPUT_INVALID" : "INPUT_INVALID";
  return new GodwitError(code, `${subject.of}: ${subject.kind} refused: ${shown.join("; ")}${more}`, {
    details: { issues: errors },
  });
}

function pointerOf(issue: SchemaIssue): string {
  const keys = (issue.path ?? []).map((part) => (typeof part === "object" ? part.key : part));
  return keys.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function valueAt(value: unknown, pointer: string): unknown {
  let found = value;
  for (const key of pointer.split("/").slice(1)) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Record<string, unknown>)[key.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return found;
}

const QUOTED_CHARACTERS = 60;

/** A value as one short line. */
export function quote(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // Cycles and big integers have no JSON.
  }
  text ??= String(value);
  return text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)}…` : text;
}

/** The part of Standard JSON Schema that is used here. */
interface JsonSchemaConverter {
  readonly input: (options: JsonSchemaRequest) => Record<string, unknown>;
  readonly output: (options: JsonSchemaRequest) => Record<string, unknown>;
}
interface JsonSchemaRequest {
  readonly target: "draft-2020-12";
  readonly libraryOptions?: Record<string, unknown>;
}

/**
 * JSON Schema (draft 2020-12) of what a schema accepts (`input`) or gives (`output`), for forms, flags and OpenAPI;
 * null when the library cannot tell. Parts without a JSON Schema, such as dates, accept anything there.
 *
 * @example jsonSchemaOf(z.object({ x: z.number() })) // { type: "object", properties: { x: { type: "number" } }, … }
 */
export function jsonSchemaOf(schema: StandardSchema, side: "input" | "output" = "input"): unknown {
  const standard = schema["~standard"] as { readonly jsonSchema?: JsonSchemaConverter };
  try {
    // `unrepresentable` is zod's; other libraries ignore options they do not know.
    const libraryOptions = { unrepresentable: "any" };
    return standard.jsonSchema?.[side]({ target: "draft-2020-12", libraryOptions }) ?? null;
  } catch {
    return null;
  }
}
