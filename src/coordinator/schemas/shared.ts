import { z } from "@hono/zod-openapi";
import type { ZodType } from "zod";
import { parseDuration } from "../../core/duration.ts";
import type { Json } from "../../core/error-record.ts";
import { ACTIVE_PHASES, type Phase, TERMINAL_PHASES } from "../../core/phase.ts";
import { PLACE_NAME, PLACE_RULE } from "../../core/place.ts";

/** Parts that the schemas of several routes share. */

/** Anything JSON can hold; a value between tasks is tagged JSON. */
export const json: ZodType<Json> = z.any() as ZodType<Json>;

/** A query parameter that may be given several times, or as a list with commas. */
export function listOf<Item>(item: ZodType<Item>): ZodType<readonly Item[] | undefined> {
  const split = (given: unknown): unknown =>
    given === undefined ? undefined : [given].flat().flatMap((text) => String(text).split(","));
  return z.preprocess(split, z.array(item).max(20).optional()).openapi({ type: "array" }) as ZodType<
    readonly Item[] | undefined
  >;
}

/** A query parameter that may be given several times; its values may hold commas. */
export function repeated<Item>(item: ZodType<Item>, most: number): ZodType<readonly Item[]> {
  const gather = (given: unknown): unknown => (given === undefined ? [] : [given].flat());
  return z.preprocess(gather, z.array(item).max(most)).openapi({ type: "array" }) as ZodType<readonly Item[]>;
}

const PHASES: readonly Phase[] = [...ACTIVE_PHASES, ...TERMINAL_PHASES];
export const phase: ZodType<Phase> = z.enum(PHASES as [Phase, ...Phase[]]);

/** How long a request may be held open, such as `20s`; a bare number is milliseconds. */
export const wait: ZodType<number | undefined> = z
  .string()
  .transform((text, context) => {
    try {
      return parseDuration(/^\d+$/.test(text) ? Number(text) : text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
      return z.NEVER;
    }
  })
  .optional()
  .openapi({ type: "string", example: "20s", description: "How long to wait, at most 60 s." }) as ZodType<
  number | undefined
>;

/** Name of a project or a domain. */
export const placeName: z.ZodString = z.string().regex(PLACE_NAME, PLACE_RULE);

/** Which project and domain a request means. */
export const placeQuery: { project: ZodType<string | undefined>; domain: ZodType<string | undefined> } = {
  project: placeName.optional(),
  domain: placeName.optional(),
};

/** A whole number in a query. */
export function count(least: number, most: number): ZodType<number | undefined> {
  return z.coerce.number().int().min(least).max(most).optional() as unknown as ZodType<number | undefined>;
}

/** What every list takes. */
export const pageQuery: { limit: ZodType<number | undefined>; cursor: ZodType<string | undefined> } = {
  limit: count(1, 100),
  cursor: z.string().max(1_000).optional(),
};

/** A list as it is documented. */
export function listOfItems(item: ZodType): ZodType {
  return z.object({ data: z.array(item), nextCursor: z.string().nullable() });
}

/** Content of a JSON body. */
export function jsonContent<Schema extends ZodType>(
  schema: Schema,
): { "application/json": { schema: Schema } } {
  return { "application/json": { schema } };
}

/** Short names by short values. */
export const textMap: ZodType<Readonly<Record<string, string>>> = z
  .record(z.string().min(1).max(128), z.string().max(1_024))
  .refine((map) => Object.keys(map).length <= 64, "has more than 64 entries");

export const runParams: z.ZodObject<{ run: z.ZodString }> = z.object({ run: z.string().max(64) });
export const actionParams: z.ZodObject<{ run: z.ZodString; action: z.ZodString }> = z.object({
  run: z.string().max(64),
  action: z.string().max(64),
});
