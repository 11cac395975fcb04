/**
 * The Standard Schema interface (https://standardschema.dev), copied as its authors intend, so that the SDK depends
 * on no validation library. zod, valibot and arktype implement it; anything else can in a few lines.
 *
 * @example
 * const positive: StandardSchema<number> = {
 *   "~standard": {
 *     version: 1,
 *     vendor: "mine",
 *     validate: (value) =>
 *       typeof value === "number" && value > 0 ? { value } : { issues: [{ message: "must be positive" }] },
 *   },
 * };
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": StandardSchemaProps<Input, Output>;
}

interface StandardSchemaProps<Input = unknown, Output = Input> {
  readonly version: 1;
  readonly vendor: string;
  readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  /** Never set at run time; carries the types. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Type a schema accepts. @example SchemaInput<typeof z.coerce.number()> // unknown */
export type SchemaInput<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["input"];

/** Type a schema gives after parsing. @example SchemaOutput<typeof z.coerce.number()> // number */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["output"];
