import type { BlobStoreView } from "../../src/client/api.ts";
import { BlobCalls } from "../../src/client/blob-calls.ts";
import { Connection, type ConnectionOptions } from "../../src/client/connection.ts";
import { projectPrefix } from "../../src/core/blob-keys.ts";
import { DEFAULT_PROJECT } from "../../src/core/place.ts";
import type { OpenBlobs } from "../../src/runner/blob-places.ts";
import type { BlobAccess } from "../../src/sdk/blobs.ts";
import { RemoteBlobs } from "./blobs.ts";

export interface RemoteAccessOptions extends ConnectionOptions {
  /** Default: that of the API key, else `default`. */
  readonly project?: string | undefined;
}

/**
 * The blobs of a project, for whoever has an API key of its coordinator.
 *
 * @example configureBlobs(await openRemoteBlobs({ endpoint, token }));
 * @throws GodwitError by the code the coordinator answered; ENDPOINT_UNREACHABLE
 */
export async function openRemoteBlobs({ project, ...at }: RemoteAccessOptions): Promise<BlobAccess> {
  const calls = new BlobCalls(new Connection(at), { as: "client", project });
  const view = await calls.describe();
  return { store: new RemoteBlobs({ calls, view }), prefix: view.prefix };
}

/**
 * The blobs of whatever project a runner executes something of: each execution asks under its own lease.
 *
 * @example new Runner({ …, blobs: runnerBlobs({ endpoint, token }) });
 */
export function runnerBlobs(at: ConnectionOptions): OpenBlobs {
  const calls = new BlobCalls(new Connection(at), { as: "runner" });
  let view: Promise<BlobStoreView> | undefined;
  return async ({ project = DEFAULT_PROJECT, lease }) => {
    view ??= calls.describe();
    const known = await view.catch((error: unknown) => {
      // It may answer next time.
      view = undefined;
      throw error;
    });
    return { store: new RemoteBlobs({ calls, view: known, lease }), prefix: projectPrefix(project) };
  };
}
