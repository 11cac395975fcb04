import { GodwitError } from "../../core/errors.ts";
import { didYouMean } from "../../sdk/suggestion.ts";
import { type InputFlag, type InputShape, kebabCase } from "./input-schema.ts";
import { parseJson, quote, readReference } from "./read-value.ts";

/**
 * The input that flags give: `--threshold 0.9`, `--dry-run`, `--no-cache`, `--items '[1,2]'`, `--config @config.json`.
 * Undefined when there are none.
 *
 * @throws GodwitError FLAG_UNKNOWN with the closest flag, FLAG_INVALID
 */
export function parseTypedFlags(
  args: readonly string[],
  shape: InputShape,
  task: string,
): Record<string, unknown> | undefined {
  if (args.length === 0) return undefined;
  if (shape.kind === "value") {
    throw new GodwitError(
      "FLAG_UNKNOWN",
      `${task} takes ${article(shape.type)}, not flags such as ${quote(args[0] ?? "")}`,
      {
        hint: "Give it with `--input`, as JSON.",
      },
    );
  }
  const input: Record<string, unknown> = {};
  for (let at = 0; at < args.length; ) {
    const { flag, value, used } = readOne(args, at, shape, task);
    at += used;
    input[flag.field] = value;
  }
  return input;
}

interface ReadFlag {
  readonly flag: Pick<InputFlag, "field">;
  readonly value: unknown;
  /** How many arguments it took. */
  readonly used: number;
}

function readOne(args: readonly string[], at: number, shape: InputShape, task: string): ReadFlag {
  const arg = args[at] ?? "";
  const match = /^--(?:input\.)?([^=]+)(?:=([\s\S]*))?$/.exec(arg);
  if (match === null) {
    throw new GodwitError("FLAG_INVALID", `${quote(arg)} is one argument too many`, {
      hint: "Inputs are flags (`--name value`) or `--input` with JSON.",
    });
  }
  const [, name = "", inline] = match;
  const { flag, isNegated } = findFlag(name, shape, task);
  if (isNegated) return { flag, value: false, used: 1 };
  const next = args[at + 1];
  if (inline !== undefined) return { flag, value: readValue(flag, inline), used: 1 };
  if (flag.kind === "boolean" && !isBooleanText(next)) return { flag, value: true, used: 1 };
  if (next === undefined || (next.startsWith("--") && flag.kind !== "string")) {
    if (flag.kind === "any") return { flag, value: true, used: 1 };
    throw new GodwitError("FLAG_INVALID", `--${flag.name} needs a value`, { hint: usage(flag) });
  }
  return { flag, value: readValue(flag, next), used: 2 };
}

function findFlag(name: string, shape: InputShape, task: string): { flag: InputFlag; isNegated: boolean } {
  const flags = shape.kind === "object" ? shape.flags : [];
  const named = (wanted: string): InputFlag | undefined =>
    flags.find((flag) => flag.name === wanted || flag.field === wanted);
  const flag = named(name);
  if (flag !== undefined) return { flag, isNegated: false };
  const negated = name.startsWith("no-") ? named(name.slice(3)) : undefined;
  if (negated?.kind === "boolean") return { flag: negated, isNegated: true };
  if (shape.kind === "unknown" || (shape.kind === "object" && shape.isOpen)) return openFlag(name);
  const names = flags.map((one) => `--${one.name}`);
  const guess = didYouMean(`--${name}`, names);
  throw new GodwitError("FLAG_UNKNOWN", `${task} has no flag \`--${name}\`.${guess}`, {
    hint: names.length === 0 ? "It takes no flags." : `Flags: ${names.join(", ")}.`,
  });
}

/** A field that no schema names. */
function openFlag(name: string): { flag: InputFlag; isNegated: boolean } {
  const isNegated = name.startsWith("no-");
  const given = isNegated ? name.slice(3) : name;
  const field = given.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const flag: InputFlag = {
    field,
    name: kebabCase(field),
    kind: "any",
    isRequired: false,
    description: "",
    choices: [],
    fallback: undefined,
  };
  return { flag, isNegated };
}

function isBooleanText(text: string | undefined): boolean {
  return text === "true" || text === "false";
}

function readValue(flag: InputFlag, given: string): unknown {
  const text = readReference(given, `--${flag.name}`);
  if (flag.choices.length > 0 && flag.kind === "string" && !flag.choices.includes(text)) {
    throw new GodwitError(
      "FLAG_INVALID",
      `--${flag.name} takes ${flag.choices.join(", ")}, not ${quote(text)}.${didYouMean(text, flag.choices)}`,
      { hint: usage(flag) },
    );
  }
  switch (flag.kind) {
    case "string":
      return text;
    case "number":
    case "integer":
      return numberOf(flag, text);
    case "boolean":
      return booleanOf(flag, text);
    case "json":
      return parseJson(text, `--${flag.name}`);
    case "any":
      return looseValue(text);
  }
}

function numberOf(flag: InputFlag, text: string): number {
  const value = Number(text);
  const isOfKind = flag.kind === "integer" ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (text.trim() !== "" && isOfKind) return value;
  const kind = flag.kind === "integer" ? "an integer" : "a number";
  throw new GodwitError("FLAG_INVALID", `--${flag.name} takes ${kind}, not ${quote(text)}`, {
    hint: usage(flag),
  });
}

function booleanOf(flag: InputFlag, text: string): boolean {
  if (isBooleanText(text)) return text === "true";
  throw new GodwitError("FLAG_INVALID", `--${flag.name} takes true or false, not ${quote(text)}`, {
    hint: `Write \`--${flag.name}\` or \`--no-${flag.name}\`.`,
  });
}

/** Without a type: what looks like JSON is JSON, everything else is text. */
function looseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const EXAMPLES: Readonly<Record<InputFlag["kind"], string>> = {
  string: "text",
  number: "0.5",
  integer: "3",
  boolean: "true",
  json: "'[1, 2]'",
  any: "value",
};

function usage(flag: InputFlag): string {
  return `Write \`--${flag.name} ${flag.choices[0] ?? EXAMPLES[flag.kind]}\`.`;
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}
