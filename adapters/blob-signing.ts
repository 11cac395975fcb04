import { GodwitError } from "../src/core/errors.ts";
import type { BlobStore } from "../src/ports/blobs.ts";
import type { Clock } from "../src/ports/clock.ts";

/** When a URL that is signed now ends; `BLOB_UNSUPPORTED` when the store cannot sign for that long. */
export function checkExpiry(store: BlobStore, expiresInMs: number, clock: Clock): number {
  const { maxSignedMs, scheme } = store.capabilities;
  if (expiresInMs > 0 && expiresInMs <= maxSignedMs) return clock.now() + expiresInMs;
  const why = maxSignedMs === 0 ? "no URLs" : `for up to ${maxSignedMs} ms, not for ${expiresInMs} ms`;
  throw new GodwitError("BLOB_UNSUPPORTED", `this ${scheme}:// store signs ${why}`);
}
