import * as z from "zod";
import type { ExchangeRequest, JournalRequest } from "../../core/protocol.ts";
import { MAX_REFS } from "../../core/value-ref.ts";
import type { Death } from "../../engine/lost.ts";

/**
 * What runners send. Checked in full, which takes a third of the time that parsing the JSON takes. Values (inputs,
 * results, options) are stored as they came and not looked into; fields of a newer protocol are let through.
 */
const text = z.string().min(1);
const lease = text;
const seq = z.int().min(0);
const bag = z.record(z.string(), z.unknown());

const runner = z.looseObject({
  id: text.max(128),
  pools: z.array(text).max(1_000),
  slots: z.int().min(0),
  backend: z.string(),
  host: z.string(),
  pid: z.int().min(0),
});

const outcome = z.discriminatedUnion("ok", [
  z.looseObject({ ok: z.literal(true), value: text }),
  z.looseObject({
    ok: z.literal(false),
    error: z.looseObject({
      code: text,
      kind: text,
      name: z.string(),
      message: z.string(),
      retryable: z.boolean(),
    }),
  }),
]);

const refs = z
  .array(
    z.looseObject({
      kind: z.enum(["file", "dir"]),
      uri: text,
      sha256: z.string().nullable(),
      sizeBytes: z.number().nullable(),
      name: z.string().nullable(),
      producer: z.looseObject({ run: text, action: text }).nullable(),
    }),
  )
  .max(MAX_REFS)
  .optional();

const call = z.looseObject({
  lease,
  id: text,
  kind: z.enum(["task", "trace", "sleep", "condition"]),
  task: text,
  input: text,
  refs,
  options: bag.optional(),
  claim: text.optional(),
  epochMs: z.number().optional(),
  replaying: z.boolean().optional(),
});

const waits = z.looseObject({
  calls: z.array(text).nullable(),
  maps: z.array(z.looseObject({ map: z.number(), unsettled: z.number() })),
  replayMs: z.number(),
  firstMs: z.number().nullable(),
});

const line = z.looseObject({
  atMs: z.number(),
  level: z.enum(["debug", "info", "warn", "error"]),
  stream: z.enum(["stdout", "stderr", "log"]),
  text: z.string(),
});

const divergence = z.looseObject({
  lease,
  kind: z.enum(["missing_call", "new_call", "changed_order"]),
  action: z.string(),
  task: z.string(),
  detail: z.string(),
});

/** One exchange. */
export const exchangeRequest: z.ZodType<ExchangeRequest> = z.looseObject({
  runner,
  channel: z.enum(["report", "poll"]),
  number: z.int().min(1),
  want: z.int().min(0),
  isIdle: z.boolean().optional(),
  waitMs: z.number().min(0).optional(),
  calls: z.array(call).optional(),
  outcomes: z
    .array(
      z.looseObject({
        lease,
        trace: text.optional(),
        outcome,
        refs,
        startedMs: z.number(),
        endedMs: z.number(),
      }),
    )
    .optional(),
  suspensions: z
    .array(z.looseObject({ lease, seq, issued: z.int().min(0), waits, replayMs: z.number() }))
    .optional(),
  checkpoints: z.array(z.looseObject({ lease, value: text, seq: z.int().min(0) })).optional(),
  aborts: z.array(z.looseObject({ lease, action: text, reason: z.string() })).optional(),
  logs: z.array(z.looseObject({ lease, lines: z.array(line) })).optional(),
  releases: z.array(text).optional(),
  held: z.array(z.looseObject({ lease, seq })).optional(),
  warm: z.array(z.looseObject({ run: text, action: text, seq })).optional(),
  heardLost: z.array(text).optional(),
  registeredMs: z.number().optional(),
  reportNumber: z.int().min(1).optional(),
  divergences: z.array(divergence).optional(),
}) as z.ZodType as z.ZodType<ExchangeRequest>;

/** A page of a journal. */
export const journalRequest: z.ZodType<JournalRequest> = z.looseObject({
  lease,
  since: seq,
  limit: z.int().min(1),
});

/** How a runner ended, as whoever started it saw. */
export const lostRequest: z.ZodType<Death> = z.looseObject({
  kind: z.enum(["out_of_memory", "exited", "killed", "silent"]),
  detail: z.string().max(2_000),
  isAmbiguous: z.boolean().optional(),
}) as z.ZodType as z.ZodType<Death>;
