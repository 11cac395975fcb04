import type { BlobAnswers, BlobAsk, BlobStoreView } from "../client/api.ts";
import { projectPrefix, sha256OfKey } from "../core/blob-keys.ts";
import { formatBytes } from "../core/bytes.ts";
import { GodwitError } from "../core/errors.ts";
import { checkBlobKey } from "../core/uri.ts";
import type { BlobStore } from "../ports/blobs.ts";
import type { Parts } from "./parts.ts";
import { invalidRequest } from "./problem.ts";

/** How long a URL lasts that a coordinator signs: enough to begin a transfer, little for whoever finds it in a log. */
export const MAX_SIGNED_MS: number = 15 * 60_000;

const SAMPLE = "k";

/** The blob store of a coordinator. @throws GodwitError BLOB_STORE_MISSING */
export function blobsOf({ blobs }: Pick<Parts, "blobs">): BlobStore {
  if (blobs !== null) return blobs;
  throw new GodwitError("BLOB_STORE_MISSING", "this coordinator has no blob store", {
    hint: "Start it with one, for example `GODWIT_BLOBS=s3://bucket/prefix`.",
  });
}

/** The store as clients see it. */
export function storeView(store: BlobStore, project: string): BlobStoreView {
  const { capabilities } = store;
  return {
    uri: store.uriOf(SAMPLE).slice(0, -SAMPLE.length),
    prefix: projectPrefix(project),
    capabilities: { ...capabilities, maxSignedMs: signedMs(store) },
  };
}

/** How long a URL of this store lasts at most. */
export function signedMs({ capabilities }: BlobStore): number {
  return Math.min(MAX_SIGNED_MS, capabilities.maxSignedMs);
}

/** Whether a request changes anything. */
export function isWrite({ op }: BlobAsk): boolean {
  return op === "put" || op === "delete";
}

/**
 * Refuses a request that the store would not take, or must not.
 *
 * @throws GodwitError BLOB_URI_INVALID, BLOB_TOO_LARGE, INVALID_REQUEST
 */
export function checkAsk(store: BlobStore, ask: BlobAsk): void {
  if (ask.op === "list") return;
  checkBlobKey(ask.key);
  if (ask.op !== "put") return;
  const { maxBytes } = store.capabilities.signedPut;
  if (ask.sizeBytes > maxBytes) {
    const sizes = `${formatBytes(ask.sizeBytes)}; one upload takes up to ${formatBytes(maxBytes)}`;
    throw new GodwitError("BLOB_TOO_LARGE", `"${ask.key}" would have ${sizes}`);
  }
  const named = sha256OfKey(ask.key);
  // Readers find content by its hash and do not look twice.
  if (named !== null && named !== ask.sha256) {
    throw invalidRequest(`"${ask.key}" is for the SHA-256 in its name, not for ${ask.sha256}`);
  }
}

/** The key, or the beginning of all keys, that a request is about. */
export function placeOf(ask: BlobAsk): string {
  return ask.op === "list" ? ask.prefix : ask.key;
}

/** Whether a key, or all keys that begin with it, are of a project; null: of any project. */
export function isOfProject(place: string, project: string | null): boolean {
  return project === null ? /^projects\/[^/]+\//.test(place) : place.startsWith(projectPrefix(project));
}

/** Does what a request asks for. Bytes never pass through here. */
export async function answerAsk(
  store: BlobStore,
  ask: BlobAsk,
  signal: AbortSignal,
): Promise<BlobAnswers[BlobAsk["op"]]> {
  switch (ask.op) {
    case "get": {
      const { key, describe = false, expiresInMs = signedMs(store) } = ask;
      const request = store.signGet({ key, expiresInMs });
      if (!describe) return { request: await request };
      const [signed, info] = await Promise.all([request, store.head({ key, signal })]);
      return { request: signed, info };
    }
    case "put": {
      const { op: _, expiresInMs = signedMs(store), ...params } = ask;
      return { request: await store.signPut({ ...params, expiresInMs }) };
    }
    case "head":
      return { info: await store.head({ key: ask.key, signal }) };
    case "list": {
      const { op: _, ...params } = ask;
      return { page: await store.list({ ...params, signal }) };
    }
    case "delete":
      await store.delete({ key: ask.key, signal });
      return {};
  }
}
