import { z } from "@hono/zod-openapi";
import type { ZodType } from "zod";
import type { CallOptions } from "../../core/call.ts";
import type { OptionLevel } from "../../core/call-options.ts";

const milliseconds = z.number().min(0);
const texts = z.array(z.string().min(1).max(256)).max(100);

/** What the engine reads is checked, so that no run meets nonsense. */
const fields = {
  retries: z.strictObject({
    count: z.int().min(0),
    delayMs: milliseconds.optional(),
    factor: z.number().min(1).optional(),
    maxDelayMs: milliseconds.optional(),
    jitter: z.enum(["full", "none"]).optional(),
    only: texts.optional(),
    never: texts.optional(),
  }),
  limits: z.strictObject({
    attemptMs: milliseconds.optional(),
    queuedMs: milliseconds.optional(),
    deadlineMs: milliseconds.optional(),
  }),
  cache: z.strictObject({
    mode: z.enum(["auto", "override", "disable"]),
    version: z.string().max(256).optional(),
    salt: z.string().max(256).optional(),
    ignoredInputs: texts.optional(),
    scope: z.enum(["global", "project", "domain"]).optional(),
    serialize: z.boolean().optional(),
  }),
  resources: z.looseObject({}),
  interruptible: z.boolean(),
  priority: z.int(),
  concurrency: z.strictObject({ key: z.string().min(1).max(256), limit: z.int().min(1) }),
  secrets: texts,
};

/** Options of a task after its levels were resolved. */
export const callOptions: ZodType<CallOptions> = z
  .looseObject(fields)
  .partial() as ZodType as ZodType<CallOptions>;

/** What one call or run changes of them. `null` takes an option away. */
export const optionLevel: ZodType<OptionLevel> = z
  .strictObject({
    ...fields,
    limits: fields.limits.nullable(),
    concurrency: fields.concurrency.nullable(),
    label: z.string().max(256),
  })
  .partial()
  .openapi("OptionChanges") as ZodType as ZodType<OptionLevel>;
