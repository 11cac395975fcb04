import { z } from "@hono/zod-openapi";
import type { ZodType } from "zod";
import type { EdgeView } from "../../client/api.ts";

export const edge: ZodType<EdgeView> = z
  .object({
    action: z.string(),
    direction: z.enum(["in", "out"]),
    kind: z.enum(["file", "dir"]),
    uri: z.string(),
    sha256: z.string().nullable(),
    sizeBytes: z.number().nullable(),
    name: z.string().nullable(),
    producer: z.object({ run: z.string(), action: z.string() }).nullable(),
    atMs: z.number(),
  })
  .openapi("Edge");
