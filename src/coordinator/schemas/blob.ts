import { z } from "@hono/zod-openapi";
import type { ZodType } from "zod";
import type {
  BlobAsk,
  BlobStoreView,
  BlobsBody,
  BlobsReply,
  BundleBody,
  BundleUpload,
  LeasedBlobsBody,
} from "../../client/api.ts";
import { MAX_KEY_BYTES } from "../../core/uri.ts";
import { MAX_PAGE_KEYS } from "../../ports/blobs.ts";
import { MAX_SIGNED_MS } from "../signed-blobs.ts";

/** The most requests that are answered at once. */
const MAX_REQUESTS = 1_000;

const key = z.string().min(1).max(MAX_KEY_BYTES);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256: 64 hexadecimal digits in lower case");
const sizeBytes = z.int().min(0);
const expiresInMs = z.int().min(1).max(MAX_SIGNED_MS).optional();

const get = z.strictObject({ op: z.literal("get"), key, expiresInMs, describe: z.boolean().optional() });
const put = z.strictObject({
  op: z.literal("put"),
  key,
  sizeBytes,
  sha256,
  mediaType: z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/, "must be 1 to 255 visible ASCII characters")
    .optional(),
  ifAbsent: z.boolean().optional(),
  expiresInMs,
});
const head = z.strictObject({ op: z.literal("head"), key });
const list = z.strictObject({
  op: z.literal("list"),
  prefix: key,
  limit: z.int().min(1).max(MAX_PAGE_KEYS).optional(),
  cursor: z.string().max(4_096).optional(),
});
const remove = z.strictObject({ op: z.literal("delete"), key });

const ask: ZodType<BlobAsk> = z
  .discriminatedUnion("op", [get, put, head, list, remove])
  .openapi("BlobAsk") as ZodType as ZodType<BlobAsk>;

export const blobsBody: ZodType<BlobsBody> = z
  .strictObject({ project: z.string().min(1).max(128).optional(), requests: z.array(ask).max(MAX_REQUESTS) })
  .openapi("BlobsBody") as ZodType as ZodType<BlobsBody>;

/** What a runner asks: each request under a lease of its own, as one body serves many executions. */
export const leasedBlobs: ZodType<LeasedBlobsBody> = z.strictObject({
  requests: z.array(z.strictObject({ lease: z.string().min(1), ask })).max(MAX_REQUESTS),
});

const signedRequest = z
  .object({
    method: z.enum(["GET", "PUT"]),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
    expiresAtMs: z.number(),
  })
  .openapi("SignedRequest");

const info = z
  .object({
    key: z.string(),
    sizeBytes: z.number(),
    sha256: z.string().nullable(),
    mediaType: z.string(),
    modifiedAtMs: z.number(),
  })
  .nullable();

const result = z.union([
  z.object({
    ok: z.literal(true),
    answer: z.object({
      request: signedRequest.optional(),
      info: info.optional(),
      page: z
        .object({
          blobs: z.array(z.object({ key: z.string(), sizeBytes: z.number(), modifiedAtMs: z.number() })),
          next: z.string().nullable(),
        })
        .optional(),
    }),
  }),
  z.object({ ok: z.literal(false), problem: z.looseObject({ code: z.string(), detail: z.string() }) }),
]);

const store: ZodType<BlobStoreView> = z
  .object({ uri: z.string(), prefix: z.string(), capabilities: z.looseObject({ scheme: z.string() }) })
  .openapi("BlobStore") as ZodType as ZodType<BlobStoreView>;

export const blobsReply: ZodType<BlobsReply> = z
  .object({ store, results: z.array(result) })
  .openapi("BlobsReply") as ZodType as ZodType<BlobsReply>;

export const bundleBody: ZodType<BundleBody> = z.strictObject({ sha256, sizeBytes }).openapi("BundleBody");

export const bundleUpload: ZodType<BundleUpload> = z
  .object({ sha256: z.string(), upload: signedRequest.nullable() })
  .openapi("BundleUpload");
