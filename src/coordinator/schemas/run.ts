import { z } from "@hono/zod-openapi";
import type { ZodType } from "zod";
import type {
  EventPage,
  OutcomeView,
  RerunBody,
  RunDetail,
  RunResult,
  RunSummary,
  StartedRun,
  StartRunBody,
} from "../../client/api.ts";
import { optionLevel } from "./call-options.ts";
import { json, phase, placeName, textMap } from "./shared.ts";

const name = z.string().min(1).max(256);
const force = z.array(z.string().max(256)).max(1_000);
const cache = z.enum(["use", "overwrite", "disable"]);
const suspend = z.enum(["auto", "always", "never"]);
const originKind = z.enum(["rerun", "recover", "fork"]);

export const startRunBody: ZodType<StartRunBody> = z
  .strictObject({
    task: name.openapi({ example: "hello.main" }),
    input: json.optional().openapi({ description: "Tagged JSON. Absent: the task takes nothing." }),
    deployment: name.optional(),
    version: name.optional(),
    options: optionLevel.optional(),
    project: placeName.optional(),
    domain: placeName.optional(),
    labels: textMap.optional(),
    context: textMap.optional(),
    priority: z.int().optional(),
    weight: z.number().positive().max(1_000_000).optional(),
    actionLimit: z.int().min(1).optional(),
    cache: cache.optional(),
    suspend: suspend.optional(),
    strict: z.boolean().optional(),
    origin: z
      .strictObject({
        run: name,
        kind: originKind,
        force: force.optional(),
        changedOnly: z.boolean().optional(),
      })
      .optional(),
  })
  .openapi("StartRun") as ZodType<StartRunBody>;

export const rerunBody: ZodType<RerunBody> = z
  .strictObject({
    recover: z.boolean().optional(),
    fork: name.optional(),
    changedOnly: z.boolean().optional(),
    force: force.optional(),
    input: json.optional(),
  })
  .openapi("Rerun") as ZodType<RerunBody>;

export const abortBody: ZodType<{ reason?: string | undefined }> = z
  .strictObject({ reason: z.string().max(1_000).optional() })
  .openapi("Abort");

export const eventError: ZodType<{ code: string; message: string }> = z.object({
  code: z.string(),
  message: z.string(),
});

const errorRecord = z
  .looseObject({ code: z.string(), name: z.string(), message: z.string(), retryable: z.boolean() })
  .openapi("ErrorRecord");

export const outcome: ZodType<OutcomeView> = z
  .union([
    z.object({ ok: z.literal(true), value: json }),
    z.object({ ok: z.literal(false), error: errorRecord }),
  ])
  .openapi("Outcome") as ZodType as ZodType<OutcomeView>;

const summary = z.object({
  id: z.string(),
  project: z.string(),
  domain: z.string(),
  task: z.string(),
  deployment: z.string(),
  phase,
  createdMs: z.int(),
  startedMs: z.int().nullable(),
  endedMs: z.int().nullable(),
  createdBy: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  origin: z
    .object({ run: z.string(), kind: originKind, force: z.array(z.string()), changedOnly: z.boolean() })
    .nullable(),
  error: eventError.nullable(),
  actionCount: z.int(),
  divergenceCount: z.int(),
});

const divergence = z.object({
  action: z.string(),
  kind: z.enum(["missing_call", "new_call", "changed_order"]),
  call: z.string(),
  task: z.string(),
  detail: z.string(),
  atMs: z.int(),
});

const detail = summary.extend({
  context: z.record(z.string(), z.string()),
  priority: z.int(),
  weight: z.number(),
  actionLimit: z.int().nullable(),
  cache,
  suspend,
  strict: z.boolean(),
  eventSeq: z.int(),
  divergences: z.array(divergence),
});

export const runSummary: ZodType<RunSummary> = summary.openapi("RunSummary");
export const runDetail: ZodType<RunDetail> = detail.openapi("Run");
export const startedRun: ZodType<StartedRun> = detail
  .extend({ outcome: outcome.nullable() })
  .openapi("StartedRun");
export const runResult: ZodType<RunResult> = z
  .object({ run: z.string(), project: z.string(), phase, outcome: outcome.nullable() })
  .openapi("RunResult");

export const eventPage: ZodType<EventPage> = z
  .object({
    data: z.array(
      z.looseObject({
        type: z.enum(["run", "action"]),
        seq: z.int(),
        atMs: z.int(),
        phase,
        error: eventError.optional(),
      }),
    ),
    after: z.int(),
    isEnded: z.boolean(),
  })
  .openapi("EventPage") as ZodType as ZodType<EventPage>;
