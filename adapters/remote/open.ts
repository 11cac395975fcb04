import type { BlobStoreView } from "../../src/client/api.ts";
import { BlobCalls } from "../../src/client/blob-calls.ts";
import { Connection, type ConnectionOptions } from "../../src/client/connection.ts";
import { projectPrefix } from "../../src/core/blob-keys.ts";
import { DEFAULT_PROJECT } from "../../src/core/place.ts";
import type { OpenBlobs } from "../../src/runner/blob-places.ts";
import type { BlobAccess } from "../../src/sdk/blobs.ts";
import { RemoteBlobs } from "./blobs.ts";

export interface RemoteAccessOptions extends Pick<ConnectionOptions, "endpoint"> {
  /** An API key. */
  readonly token?: string | undefined;
  /** Default: that of the API key, else `default`. */
  readonly project?: string | undefined;
}

const opened = new Map<string, Promise<BlobAccess>>();

/**
 * The blobs of a project, for whoever has an API key of its coordinator. Opened once for each key and project, so that
 * the requests of all files travel together.
 *
 * @example configureBlobs(() => openRemoteBlobs({ endpoint, token }));
 * @throws GodwitError by the code the coordinator answered; ENDPOINT_UNREACHABLE
 */
export function openRemoteBlobs(options: RemoteAccessOptions): Promise<BlobAccess> {
  const name = JSON.stringify([options.endpoint, options.token, options.project]);
  const known = opened.get(name) ?? open(options);
  opened.set(name, known);
  // It may answer next time.
  known.catch(() => opened.delete(name));
  return known;
}

async function open({ project, ...at }: RemoteAccessOptions): Promise<BlobAccess> {
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
