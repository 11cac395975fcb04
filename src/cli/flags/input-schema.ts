/** What a flag takes. `any`: JSON where the text is JSON, else the text. */
export type FlagKind = "string" | "number" | "integer" | "boolean" | "json" | "any";

/** A field of a task's input as a flag. */
export interface InputFlag {
  /** Name of the field. */
  readonly field: string;
  /** Name of the flag: the field in kebab case. */
  readonly name: string;
  readonly kind: FlagKind;
  readonly isRequired: boolean;
  readonly description: string;
  /** Allowed values; empty when anything of the kind is allowed. */
  readonly choices: readonly string[];
  readonly fallback: unknown;
}

interface FieldSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly anyOf?: readonly FieldSchema[];
  readonly oneOf?: readonly FieldSchema[];
}

interface ObjectSchema extends FieldSchema {
  readonly properties?: Readonly<Record<string, FieldSchema | boolean>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
}

/** What the input of a task looks like from the command line. */
export type InputShape =
  /** An object: every field is a flag. `isOpen`: other fields are allowed too. */
  | { readonly kind: "object"; readonly flags: readonly InputFlag[]; readonly isOpen: boolean }
  /** Something else, such as a number or an array: only `--input` can give it. */
  | { readonly kind: "value"; readonly type: string }
  /** Nobody knows: any flag is a field. */
  | { readonly kind: "unknown" };

/** Reads a JSON Schema of a task's input. */
export function inputShape(schema: unknown): InputShape {
  if (typeof schema !== "object" || schema === null) return { kind: "unknown" };
  const { type, properties, required = [], additionalProperties } = schema as ObjectSchema;
  if (properties === undefined) {
    if (type === undefined || type === "object") return { kind: "unknown" };
    return { kind: "value", type: typeof type === "string" ? type : type.join(" or ") };
  }
  const flags = Object.entries(properties).map(([field, one]) =>
    flagOf(field, one, required.includes(field)),
  );
  const isOpen = additionalProperties === true || typeof additionalProperties === "object";
  return { kind: "object", flags, isOpen };
}

function flagOf(field: string, given: FieldSchema | boolean, isRequired: boolean): InputFlag {
  const schema = typeof given === "boolean" ? {} : given;
  return {
    field,
    name: kebabCase(field),
    kind: kindOf(schema),
    isRequired: isRequired && schema.default === undefined,
    description: schema.description ?? "",
    choices: choicesOf(schema),
    fallback: schema.default,
  };
}

const KINDS: Readonly<Record<string, FlagKind>> = {
  string: "string",
  number: "number",
  integer: "integer",
  boolean: "boolean",
  array: "json",
  object: "json",
};

function kindOf(schema: FieldSchema): FlagKind {
  const { type } = schema;
  if (typeof type === "string") return KINDS[type] ?? "any";
  const values = schema.enum ?? (schema.const === undefined ? [] : [schema.const]);
  if (values.length > 0 && values.every((value) => typeof value === "string")) return "string";
  const variants = (schema.anyOf ?? schema.oneOf ?? []).filter(({ type: one }) => one !== "null").map(kindOf);
  const [first] = variants;
  return first !== undefined && variants.every((kind) => kind === first) ? first : "any";
}

function choicesOf(schema: FieldSchema): string[] {
  const values = schema.enum ?? (schema.const === undefined ? [] : [schema.const]);
  if (values.every((value) => typeof value === "string")) return values as string[];
  return values.map((value) => JSON.stringify(value));
}

/** `learningRate` → learning-rate. */
export function kebabCase(field: string): string {
  return field
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replaceAll("_", "-")
    .toLowerCase();
}
