import { GodwitError } from "../core/errors.ts";
import { parseBlobUri } from "../core/uri.ts";
import type { BlobStore } from "../ports/blobs.ts";
import { currentSession } from "./session.ts";

/** Where files go, and where they come from. */
export interface BlobAccess {
  /** Holds everything that is written. */
  readonly store: BlobStore;
  /** What every key that is written begins with, such as `team/`. Default none. */
  readonly prefix?: string | undefined;
  /** Opens the store of a URI that is not in `store`; without it such a file cannot be read. */
  open?(uri: string): Promise<BlobStore> | BlobStore;
}

/** Opens the place of files when it is first needed. */
export type BlobOpener = () => Promise<BlobAccess>;

/** One blob of a store. */
export interface BlobPlace {
  readonly store: BlobStore;
  readonly key: string;
}

// One slot per process, shared by every copy of the library in it.
const SLOT = Symbol.for("godwit.blobs.v1");
type Holder = { [SLOT]?: BlobAccess | BlobOpener | undefined };

/**
 * Decides where files are outside of tasks, for the whole process, at once or when one is needed; `undefined`
 * goes back to what is configured. In a task it is the runner that decides.
 *
 * @example configureBlobs({ store: openLocalBlobs({ folder: ".godwit/blobs" }) });
 */
export function configureBlobs(access: BlobAccess | BlobOpener | undefined): void {
  (globalThis as Holder)[SLOT] = access;
}

/** What `godwit/local` exports, as far as files know it. */
interface ConfiguredPlace {
  configuredBlobs(): Promise<BlobAccess>;
}

// Not a literal: a bundler must leave it to the installed package.
const CONFIGURED_PLACE: string = "godwit/local";

/** The blob store of the running task, else the one that was set, else the one that the configuration means. */
export async function currentBlobs(): Promise<BlobAccess> {
  const session = currentSession();
  const found = session?.blobs ?? (globalThis as Holder)[SLOT];
  if (typeof found === "function") return found();
  if (found !== undefined) return found;
  if (session !== undefined) {
    throw new GodwitError("BLOB_STORE_MISSING", "the runner of this task has no blob store for files");
  }
  return ((await import(CONFIGURED_PLACE)) as ConfiguredPlace).configuredBlobs();
}

/** The store and the key of a URI. @throws GodwitError BLOB_STORE_MISSING, BLOB_URI_INVALID */
export async function placeOf(access: BlobAccess, uri: string): Promise<BlobPlace> {
  const key = keyIn(access.store, uri);
  if (key !== undefined) return { store: access.store, key };
  const store = await access.open?.(uri);
  const other = store === undefined ? undefined : keyIn(store, uri);
  if (store !== undefined && other !== undefined) return { store, key: other };
  throw new GodwitError("BLOB_STORE_MISSING", `no blob store is configured that has ${uri}`, {
    hint: "Give `configureBlobs`, or the runner, an `open` that opens the store of such a URI.",
  });
}

const SAMPLE = "k";

/** The key of a URI in a store, or undefined when it belongs to another. */
function keyIn(store: BlobStore, uri: string): string | undefined {
  const wanted = split(uri);
  const sample = split(store.uriOf(SAMPLE));
  // A store may be a part of a bucket: what all its keys begin with there.
  const root = sample.path.slice(0, -SAMPLE.length);
  const isHere = wanted.place === sample.place && wanted.path.startsWith(root);
  return isHere ? wanted.path.slice(root.length) : undefined;
}

/** The file system, bucket or container of a URI, and the path in it. */
function split(text: string): { readonly place: string; readonly path: string } {
  const uri = parseBlobUri(text);
  switch (uri.scheme) {
    case "file":
      return { place: uri.scheme, path: uri.path };
    case "az":
      return { place: `${uri.scheme} ${uri.account} ${uri.container}`, path: uri.key };
    case "s3":
    case "gs":
      return { place: `${uri.scheme} ${uri.bucket}`, path: uri.key };
  }
}
