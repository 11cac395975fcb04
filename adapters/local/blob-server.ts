import { errorRow } from "../../src/core/error-table.ts";
import { GodwitError } from "../../src/core/errors.ts";
import type { BlobRange, BlobStore, PutIfAbsentOutcome } from "../../src/ports/blobs.ts";
import { type LocalUrlClaims, type LocalUrlSigning, verifyLocalUrl } from "./blob-urls.ts";

export interface LocalBlobServer {
  readonly store: BlobStore;
  readonly signing: LocalUrlSigning;
  readonly nowMs: () => number;
}

/**
 * Answers requests under the signed URLs of a folder. The signature is the credential: mount it where requests need
 * no other.
 *
 * @example app.all("/v1/blobs/*", (c) => serveLocalBlob(c.req.raw, { store, signing, nowMs: Date.now }));
 */
export async function serveLocalBlob(request: Request, server: LocalBlobServer): Promise<Response> {
  const check = verifyLocalUrl(request, server.signing, server.nowMs());
  if (check.outcome !== "valid") {
    return problem("BLOB_ACCESS_DENIED", `the signature of this URL is ${check.outcome}`);
  }
  try {
    return await (request.method === "PUT" ? receive : send)(request, check.claims, server.store);
  } catch (error) {
    if (error instanceof GodwitError) return problem(error.code, error.message);
    throw error;
  }
}

async function receive(request: Request, claims: LocalUrlClaims, store: BlobStore): Promise<Response> {
  const length = request.headers.get("content-length");
  if (claims.sizeBytes !== undefined && length !== null && Number(length) !== claims.sizeBytes) {
    return problem("BLOB_CHECKSUM_MISMATCH", `this URL takes ${claims.sizeBytes} bytes, not ${length}`);
  }
  const { key, sizeBytes, sha256, mediaType } = claims;
  const params = {
    key,
    body: request.body ?? new Uint8Array(0),
    signal: request.signal,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(mediaType === undefined ? {} : { mediaType }),
  };
  const { outcome }: Pick<PutIfAbsentOutcome, "outcome"> = claims.ifAbsent
    ? await store.putIfAbsent(params)
    : { outcome: "created", ...(await store.put(params)) };
  return new Response(null, { status: outcome === "created" ? 201 : 412 });
}

async function send(request: Request, { key }: LocalUrlClaims, store: BlobStore): Promise<Response> {
  const range = readRange(request.headers.get("range"));
  const { info, start, end, body } = await store.get({ key, ...(range === undefined ? {} : { range }) });
  const etag = info.sha256 === null ? null : `"${info.sha256}"`;
  const wanted = request.headers.get("if-match");
  if (wanted !== null && wanted !== etag) {
    await body.cancel();
    return problem("BLOB_CHANGED", `"${key}" was replaced since it was opened`, 412);
  }
  const headers: Record<string, string> = {
    "accept-ranges": "bytes",
    "content-length": String(end - start),
    "content-type": info.mediaType,
    "last-modified": new Date(info.modifiedAtMs).toUTCString(),
    // What a task wrote is data, never a page of whoever serves it.
    "content-security-policy": "sandbox",
    "x-content-type-options": "nosniff",
    ...(etag === null ? {} : { etag }),
    ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${info.sizeBytes}` }),
  };
  if (request.method === "HEAD") await body.cancel();
  return new Response(request.method === "HEAD" ? null : body, {
    status: range === undefined ? 200 : 206,
    headers,
  });
}

/** One range from a start, as browsers and download tools send it; anything else is answered with the whole. */
function readRange(header: string | null): BlobRange | undefined {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(header ?? "") ?? [];
  if (from === undefined || (to !== "" && Number(to) < Number(from))) return undefined;
  return { offset: Number(from), ...(to ? { length: Number(to) - Number(from) + 1 } : {}) };
}

function problem(code: string, detail: string, given?: number): Response {
  const { status: usual, title } = errorRow(code);
  const status = given ?? usual;
  const headers = { "content-type": "application/problem+json" };
  return new Response(JSON.stringify({ title, status, code, detail }), { status, headers });
}
