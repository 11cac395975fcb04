import { hash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLocalBlobs, serveLocalBlob } from "../../adapters/local/index.ts";
import { bundleKey } from "../../src/core/blob-keys.ts";
import type { BlobStore } from "../../src/ports/blobs.ts";

export const sha256Of = (text: string | Uint8Array): string => hash("sha256", text);

/** The blob store of a coordinator under test. */
export interface BlobFolder {
  readonly store: BlobStore;
  /** Adds a bundle whose code is the text; gives its hash. */
  addBundle(code: string): Promise<string>;
  /** Answers a request under a signed URL, as if it were served. */
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
}

const BASE_URL = "http://blobs.test/blobs";

export async function openBlobFolder(
  nowMs: () => number = Date.now,
  baseUrl: string = BASE_URL,
): Promise<BlobFolder> {
  const folder = await mkdtemp(join(tmpdir(), "godwit-coordinator-"));
  const signing = { baseUrl, secret: "a secret" };
  const clock = { now: nowMs, after: () => () => undefined, idle: () => () => undefined };
  const store = openLocalBlobs({ folder, signing, clock });
  return {
    store,
    async addBundle(code) {
      const sha256 = sha256Of(code);
      await store.put({ key: bundleKey(sha256), body: new TextEncoder().encode(code), sha256 });
      return sha256;
    },
    fetch: (request) => serveLocalBlob(request, { store, signing, nowMs }),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A store that is another one in some respects. */
export function altered(store: BlobStore, changes: Partial<BlobStore>): BlobStore {
  const { capabilities } = store;
  return {
    capabilities,
    uriOf: (key) => store.uriOf(key),
    put: (params) => store.put(params),
    putIfAbsent: (params) => store.putIfAbsent(params),
    get: (params) => store.get(params),
    head: (params) => store.head(params),
    list: (params) => store.list(params),
    delete: (params) => store.delete(params),
    signGet: (params) => store.signGet(params),
    signPut: (params) => store.signPut(params),
    ...changes,
  };
}
