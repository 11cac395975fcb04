import { z } from "@hono/zod-openapi";
import type { ZodType } from "zod";
import type {
  Aborted,
  ActionCounts,
  ActionDetail,
  ActionSummary,
  ConditionView,
  LogChunkView,
  Signalled,
} from "../../client/api.ts";
import { eventError, outcome } from "./run.ts";
import { json, phase } from "./shared.ts";

const summary = z.object({
  run: z.string(),
  id: z.string(),
  parent: z.string().nullable(),
  kind: z.enum(["task", "trace", "sleep", "condition"]),
  task: z.string(),
  label: z.string().nullable(),
  group: z.string().nullable(),
  phase,
  attempt: z.int(),
  ordinal: z.int(),
  createdMs: z.int(),
  queuedMs: z.int().nullable(),
  startedMs: z.int().nullable(),
  endedMs: z.int().nullable(),
  children: z.int(),
  settled: z.int(),
  error: eventError.nullable(),
});

const attempt = z.object({
  attempt: z.int(),
  runner: z.string().nullable(),
  startedMs: z.int().nullable(),
  endedMs: z.int().nullable(),
  end: z.enum(["succeeded", "user", "system", "released", "ended"]).nullable(),
  error: json.nullable(),
});

export const actionSummary: ZodType<ActionSummary> = summary.openapi("ActionSummary");

export const actionDetail: ZodType<ActionDetail> = summary
  .extend({
    options: z.record(z.string(), json),
    codeHash: z.string().nullable(),
    cacheKey: z.string().nullable(),
    input: json,
    outcome: outcome.nullable(),
    attempts: z.array(attempt),
  })
  .openapi("Action") as ZodType as ZodType<ActionDetail>;

export const actionCounts: ZodType<ActionCounts> = z
  .object({
    data: z.array(
      z.object({
        parent: z.string().nullable().optional(),
        task: z.string().optional(),
        phase: phase.optional(),
        count: z.int(),
      }),
    ),
    isTruncated: z.boolean(),
  })
  .openapi("ActionCounts") as ZodType as ZodType<ActionCounts>;

export const aborted: ZodType<Aborted> = z.object({ phase }).openapi("Aborted");

export const logChunk: ZodType<LogChunkView> = z
  .object({
    action: z.string(),
    attempt: z.int(),
    seq: z.int(),
    lines: z.array(
      z.object({
        atMs: z.number(),
        level: z.enum(["debug", "info", "warn", "error"]),
        stream: z.enum(["stdout", "stderr", "log"]),
        text: z.string(),
      }),
    ),
  })
  .openapi("LogChunk");

export const condition: ZodType<ConditionView> = z
  .object({
    run: z.string(),
    action: z.string(),
    project: z.string(),
    domain: z.string(),
    name: z.string(),
    prompt: z.string().nullable(),
    schema: json,
    createdMs: z.int(),
    dueMs: z.int().nullable(),
  })
  .openapi("Condition");

export const signalBody: ZodType<{ value?: unknown; by?: string | undefined }> = z
  .strictObject({ value: json.optional(), by: z.string().min(1).max(256).optional() })
  .openapi("Signal");

export const signalled: ZodType<Signalled> = z
  .object({ run: z.string(), action: z.string() })
  .openapi("Signalled");
