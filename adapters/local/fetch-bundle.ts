import type { BundleDownload } from "../../src/client/api.ts";
import { Connection, type ConnectionOptions, readJson } from "../../src/client/connection.ts";
import { readSigned } from "../../src/client/signed-request.ts";
import { GodwitError } from "../../src/core/errors.ts";

/** Gets bundles from the blob store of the coordinator, which says where they are. */
export function fetchBundle(at: ConnectionOptions): (hash: string) => Promise<Uint8Array> {
  const connection = new Connection(at);
  return async (hash) => {
    const path = `/internal/v1/bundles/${encodeURIComponent(hash)}`;
    const { download } = await connection.send(
      { method: "GET", path, retries: RETRIES },
      readJson<BundleDownload>,
    );
    const bytes = await readSigned(download);
    if (bytes === null) throw new GodwitError("NOT_FOUND", `there is no bundle "${hash}"`);
    return bytes;
  };
}

const RETRIES = 5;
