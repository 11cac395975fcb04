import { projectPrefix } from "../core/blob-keys.ts";
import { DEFAULT_PROJECT } from "../core/place.ts";
import type { BlobStore } from "../ports/blobs.ts";
import type { BlobAccess } from "../sdk/blobs.ts";

/** Who wants to read and write blobs. */
export interface BlobUser {
  /** Whose blobs are meant; undefined: those of whoever asks. */
  readonly project: string | undefined;
  /** For an execution: its lease, once the coordinator knows it; asked for at each request. */
  readonly lease?: (() => Promise<string>) | undefined;
}

/** Gives an execution its files and large values. Asked for the first time it needs any. */
export type OpenBlobs = (user: BlobUser) => BlobAccess | Promise<BlobAccess>;

/**
 * A store that this process may read and write itself, with a place of its own for each project.
 *
 * @param open opens the store of a URI that is not in `store`
 * @example new Runner({ …, blobs: projectBlobs(openLocalBlobs({ folder })) });
 */
export function projectBlobs(store: BlobStore, open?: BlobAccess["open"]): OpenBlobs {
  return ({ project = DEFAULT_PROJECT }) => ({
    store,
    prefix: projectPrefix(project),
    ...(open !== undefined && { open }),
  });
}
