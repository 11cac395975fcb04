import { type OutputUnit, type Schema, Validator } from "@cfworker/json-schema";
import type { Json } from "../core/error-record.ts";
import { GodwitError } from "../core/errors.ts";

/** Compiled schemas by their text; deployments are few, runs are many. */
const compiled = new Map<string, Validator>();
const MOST_COMPILED = 500;

const MOST_ISSUES = 20;

/** What the value is for, in the words of the message. */
export interface Checked {
  readonly of: string;
  readonly kind: "input" | "answer";
}

/**
 * Refuses a value that does not match a JSON Schema (draft 2020-12, as text). A value that is absent is refused when
 * the schema asks for anything at all. Tagged parts of a value, such as dates, have schemas that accept anything.
 *
 * @throws GodwitError INPUT_INVALID with `details: { issues: [{ pointer, message }] }`
 */
export function checkAgainst(schema: string | null, value: Json | undefined, checked: Checked): void {
  if (schema === null || schema === "null") return;
  if (value === undefined) {
    if (isOpen(schema)) return;
    throw refusal([{ pointer: "", message: `an ${checked.kind} is required` }], checked);
  }
  const { valid, errors } = validatorOf(schema).validate(value);
  if (!valid) throw refusal(issuesOf(errors), checked);
}

/** What is wrong with a schema itself, or null. */
export function findSchemaFault(schema: unknown): string | null {
  try {
    new Validator(schema as Schema, "2020-12", false);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function validatorOf(schema: string): Validator {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const validator = new Validator(JSON.parse(schema) as Schema, "2020-12", false);
  if (compiled.size >= MOST_COMPILED) compiled.clear();
  compiled.set(schema, validator);
  return validator;
}

/** Words of a schema that ask for nothing. */
const ANNOTATIONS: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "title",
  "description",
  "default",
  "examples",
]);

function isOpen(schema: string): boolean {
  const parsed = JSON.parse(schema) as unknown;
  if (typeof parsed !== "object" || parsed === null) return parsed !== false;
  return Object.keys(parsed).every((key) => ANNOTATIONS.has(key));
}

interface Issue {
  readonly pointer: string;
  readonly message: string;
}

/** Keywords that only say that something inside did not match; what did not has a line of its own. */
const CONTAINERS: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "items",
  "prefixItems",
  "allOf",
  "$ref",
  "$dynamicRef",
  "dependentSchemas",
  "if",
]);

function issuesOf(errors: readonly OutputUnit[]): Issue[] {
  // Of alternatives, the line that says that none matched; why each did not would only confuse.
  const choices = errors.filter(({ keyword }) => keyword === "anyOf" || keyword === "oneOf");
  const isInside = (unit: OutputUnit): boolean =>
    choices.some(
      (choice) => choice !== unit && unit.keywordLocation.startsWith(`${choice.keywordLocation}/`),
    );
  const issues = errors
    .filter((unit) => !CONTAINERS.has(unit.keyword) && unit.keyword !== "false" && !isInside(unit))
    .map(issueOf);
  return [...new Map(issues.map((issue) => [`${issue.pointer} ${issue.message}`, issue])).values()];
}

function issueOf({ keyword, instanceLocation, error }: OutputUnit): Issue {
  const pointer = decodeURI(instanceLocation.slice(1));
  if (keyword === "additionalProperties" || keyword === "unevaluatedProperties") {
    const name = /^Property "(.*?)"/.exec(error)?.[1];
    if (name !== undefined) return { pointer, message: `has no property "${name}"` };
  }
  return { pointer, message: error.replace(/\.$/, "") };
}

function refusal(issues: readonly Issue[], { of, kind }: Checked): GodwitError {
  const shown = issues
    .slice(0, 3)
    .map(({ pointer, message }) => (pointer === "" ? message : `${message} at ${pointer}`));
  const more = issues.length > 3 ? `; and ${issues.length - 3} more` : "";
  return new GodwitError("INPUT_INVALID", `${of}: ${kind} refused: ${shown.join("; ")}${more}`, {
    details: { issues: issues.slice(0, MOST_ISSUES) },
  });
}
