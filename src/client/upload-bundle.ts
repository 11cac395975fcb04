import type { BundleBody, BundleUpload } from "./api.ts";
import type { Requests } from "./requests.ts";
import { type SignedOptions, sendSigned } from "./signed-request.ts";

/** Code of deployments, and the SHA-256 of its bytes in hex, which is its name. */
export interface NamedBundle {
  readonly sha256: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Asks a coordinator where to send code, and sends it there unless the coordinator has it already.
 *
 * @throws GodwitError BLOB_ACCESS_DENIED, BLOB_REQUEST_REFUSED or BLOB_STORE_UNAVAILABLE
 */
export async function uploadBundle(
  { sha256, bytes }: NamedBundle,
  { requests, ...options }: SignedOptions & { readonly requests: Requests },
): Promise<void> {
  const body: BundleBody = { sha256, sizeBytes: bytes.byteLength };
  const { upload } = await requests.send<BundleUpload>("POST", "/v1/bundles", {
    body,
    signal: options.signal,
  });
  if (upload !== null) await sendSigned(upload, bytes, options);
}
