import { z } from "@hono/zod-openapi";
import type { ZodType } from "zod";
import type { CreatedKey, KeyBody, KeyView } from "../../client/api.ts";
import { SCOPES } from "../auth/api-key.ts";
import { placeName } from "./shared.ts";

export const keyBody: ZodType<KeyBody> = z
  .strictObject({
    name: z.string().min(1).max(128),
    scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
    project: placeName.optional(),
    expiresMs: z.int().min(0).optional(),
  })
  .openapi("KeyBody") as ZodType as ZodType<KeyBody>;

const fields = {
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  project: z.string().nullable(),
  createdMs: z.number(),
  expiresMs: z.number().nullable(),
  lastUsedMs: z.number().nullable(),
  revokedMs: z.number().nullable(),
};

export const keyView: ZodType<KeyView> = z.object(fields).openapi("Key") as ZodType as ZodType<KeyView>;

export const createdKey: ZodType<CreatedKey> = z
  .object({ ...fields, key: z.string().openapi({ description: "Shown in this reply and never again" }) })
  .openapi("CreatedKey") as ZodType as ZodType<CreatedKey>;
