import { GodwitError } from "../src/core/errors.ts";
import { type BlobUri, parseBlobUri } from "../src/core/uri.ts";
import type { BlobStore } from "../src/ports/blobs.ts";
import { withPrefix } from "./blob-prefix.ts";
import type { LocalUrlSigning } from "./local/blob-urls.ts";

export interface OpenBlobsOptions {
  /** For a folder: where its blobs are served and by which secret. */
  readonly signing?: LocalUrlSigning | undefined;
}

type Place<Scheme extends BlobUri["scheme"]> = Extract<BlobUri, { readonly scheme: Scheme }>;

/** How a store is opened, by the scheme of its URI. Credentials are those of the process, by each cloud's own rules. */
const OPENERS: {
  readonly [Scheme in BlobUri["scheme"]]: (
    at: Place<Scheme>,
    options: OpenBlobsOptions,
  ) => Promise<BlobStore>;
} = {
  async file({ path }, { signing }) {
    const { openLocalBlobs } = await import("./local/blobs.ts");
    return openLocalBlobs({ folder: path, ...(signing !== undefined && { signing }) });
  },
  async s3({ bucket }) {
    return (await import("./aws/blobs.ts")).openS3Blobs({ bucket });
  },
  async gs({ bucket }) {
    return (await import("./gcp/blobs.ts")).openGcsBlobs({ bucket });
  },
  async az({ account, container }) {
    return (await import("./azure/blobs.ts")).openAzureBlobs({ account, container });
  },
};

/** Stands for any key, so that the URI of a store is one of a blob in it. */
const SAMPLE = "k";

/**
 * Opens the blob store at a URI: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://account/container/prefix` or
 * `file:///folder`. Nothing is asked of it yet; the adapter is loaded when it is the one that is wanted.
 *
 * @example const blobs = await openBlobs("s3://team-data/godwit");
 * @throws GodwitError CONFIG_INVALID
 */
export async function openBlobs(uri: string, options: OpenBlobsOptions = {}): Promise<BlobStore> {
  const place = parsePlace(uri);
  if (place.scheme === "file") {
    return OPENERS.file({ ...place, path: place.path.slice(0, -SAMPLE.length - 1) }, options);
  }
  const open = OPENERS[place.scheme] as (at: BlobUri, options: OpenBlobsOptions) => Promise<BlobStore>;
  return withPrefix(await open(place, options), place.key.slice(0, -SAMPLE.length));
}

function parsePlace(uri: string): BlobUri {
  try {
    return parseBlobUri(`${uri.replace(/\/+$/, "")}/${SAMPLE}`);
  } catch (error) {
    throw new GodwitError("CONFIG_INVALID", `"${uri}" is no place for blobs: ${(error as Error).message}`, {
      cause: error,
      hint: "Write `s3://bucket/prefix`, `gs://bucket/prefix`, `az://account/container/prefix` or `file:///folder`.",
    });
  }
}
