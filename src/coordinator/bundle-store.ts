import type { BundleBody, BundleUpload } from "../client/api.ts";
import { bundleKey } from "../core/blob-keys.ts";
import { GodwitError } from "../core/errors.ts";
import type { BlobStore } from "../ports/blobs.ts";
import { checkAsk, signedMs } from "./signed-blobs.ts";

const MEDIA_TYPE = "text/javascript";

/**
 * Sees to it that code is there before anything points to it.
 *
 * @example await requireBundle(blobs, environment.bundle);
 * @throws GodwitError BUNDLE_MISSING
 */
export async function requireBundle(blobs: BlobStore, hash: string): Promise<void> {
  if (await hasBundle(blobs, hash)) return;
  throw new GodwitError("BUNDLE_MISSING", `the bundle ${hash} was not uploaded`);
}

/** Whether a bundle is there, whole as far as the store knows. */
export async function hasBundle(blobs: BlobStore, hash: string): Promise<boolean> {
  const found = await blobs.head({ key: bundleKey(hash) });
  return found !== null && (found.sha256 ?? hash) === hash;
}

/** Where to send a bundle, unless it is there. */
export async function signUpload(blobs: BlobStore, { sha256, sizeBytes }: BundleBody): Promise<BundleUpload> {
  const put = { op: "put", key: bundleKey(sha256), sha256, sizeBytes } as const;
  checkAsk(blobs, put);
  if (await hasBundle(blobs, sha256)) return { sha256, upload: null };
  // Not only if absent: where the store does not check the hash, what is there may be something else.
  const { op: _, ...params } = put;
  const upload = await blobs.signPut({ ...params, mediaType: MEDIA_TYPE, expiresInMs: signedMs(blobs) });
  return { sha256, upload };
}
