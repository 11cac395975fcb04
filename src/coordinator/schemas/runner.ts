import { z } from "@hono/zod-openapi";
import type { ZodType } from "zod";
import type { RunnerBody, RunnerCredentials } from "../../client/api.ts";

/** Tokens travel in a header with every exchange. */
const MOST = 100;

const name = z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, "must be 1 to 40 letters, digits, `_` and `-`");
const list = z.array(z.string().min(1).max(128)).min(1).max(MOST).optional();

export const runnerBody: ZodType<RunnerBody> = z
  .strictObject({
    name: name.optional(),
    pools: list,
    environments: list,
    project: z.string().min(1).max(64).optional(),
    domain: z.string().min(1).max(64).optional(),
    runner: z.string().max(128).optional(),
  })
  .refine(({ pools, environments }) => pools === undefined || environments === undefined, {
    message: "`pools` and `environments` exclude each other",
    path: ["environments"],
  })
  .openapi("RunnerBody") as ZodType as ZodType<RunnerBody>;

export const runnerCredentials: ZodType<RunnerCredentials> = z
  .object({
    runner: z.string(),
    token: z.string().openapi({ description: "Shown in this reply and never again" }),
    supervisorToken: z.string(),
    pools: z.array(z.string()),
    expiresMs: z.number(),
    renewInMs: z.number(),
  })
  .openapi("RunnerCredentials") as ZodType as ZodType<RunnerCredentials>;
