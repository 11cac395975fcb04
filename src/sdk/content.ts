import { hash } from "node:crypto";
import { contentKey } from "../core/blob-keys.ts";
import type { BlobSource, BlobStore, PutReceipt } from "../ports/blobs.ts";

/** Content that is known before it is sent, so that nothing is sent that is there already. */
export interface KnownContent extends PutReceipt {
  readonly mediaType: string;
  /** Opens the bytes; only called when they have to be sent. */
  readonly open: () => BlobSource | Promise<BlobSource>;
}

/** From this size on it is worth a request to ask whether the store has it. */
const ASK_BYTES = 256 * 1024;

/** The part before `sha256/` of a key that `contentKey` made. */
export function prefixOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf("sha256/")));
}

/** Brings content to its key, unless it is there. Durable when the promise resolves. Gives the key. */
export async function putContent(
  { store, prefix = "" }: { readonly store: BlobStore; readonly prefix?: string | undefined },
  content: KnownContent,
  signal?: AbortSignal,
): Promise<string> {
  const { sha256, sizeBytes, mediaType, open } = content;
  const key = contentKey(prefix, sha256);
  const more = signal === undefined ? {} : { signal };
  if (sizeBytes >= ASK_BYTES && (await store.head({ key, ...more })) !== null) return key;
  await store.putIfAbsent({ key, body: await open(), sha256, sizeBytes, mediaType, ...more });
  return key;
}

/** All of a body in one piece of memory. */
export async function collectBytes(
  body: AsyncIterable<Uint8Array>,
  sizeBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for await (const chunk of body) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** SHA-256 in hex. */
export function sha256Of(bytes: Uint8Array | string): string {
  return hash("sha256", bytes, "hex");
}
