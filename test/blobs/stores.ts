import { openS3Blobs } from "../../adapters/aws/index.ts";
import { openAzureBlobs } from "../../adapters/azure/index.ts";
import { withPrefix } from "../../adapters/blob-prefix.ts";
import { openGcsBlobs } from "../../adapters/gcp/index.ts";
import type { RetryOptions } from "../../adapters/http.ts";
import { openLocalBlobs } from "../../adapters/local/index.ts";
import { RemoteBlobs } from "../../adapters/remote/blobs.ts";
import type { BlobStoreView } from "../../src/client/api.ts";
import { BlobCalls } from "../../src/client/blob-calls.ts";
import { Connection } from "../../src/client/connection.ts";
import type { BlobStore } from "../../src/ports/blobs.ts";
import { AZURITE } from "./servers/azurite.ts";

const PART_BYTES = 5 * 1024 * 1024;
/** Gives up soon, so that a test can see it. */
export const FAST: RetryOptions = { attempts: 4, delayMs: 5, maxDelayMs: 500, timeoutMs: 1_500 };
const SMALL = { partBytes: PART_BYTES, parallel: 3, ...FAST } as const;

/** Opens a store from texts, so that another process can do the same. */
export const OPEN: Readonly<Record<string, (...args: string[]) => BlobStore>> = {
  prefixed: (...args) => withPrefix(OPEN.s3?.(...args) as BlobStore, "team/godwit/"),
  remote: (endpoint = "", view = "{}") => {
    const calls = new BlobCalls(new Connection({ endpoint }), { as: "client" });
    const told = JSON.parse(view) as BlobStoreView;
    return withPrefix(new RemoteBlobs({ calls, view: told, ...FAST, timeoutMs: 3_000 }), told.prefix);
  },
  local: (folder = "", baseUrl = "") => openLocalBlobs({ folder, signing: { baseUrl, secret: "a secret" } }),
  s3: (endpoint = "", bucket = "", region = "", accessKeyId = "", secretAccessKey = "") =>
    openS3Blobs({
      ...SMALL,
      endpoint,
      bucket,
      region,
      credentials: async () => ({ accessKeyId, secretAccessKey }),
    }),
  gcs: (endpoint = "", bucket = "", token = "") =>
    openGcsBlobs({
      ...FAST,
      partBytes: PART_BYTES,
      endpoint,
      bucket,
      identity: { token: async () => token, email: async () => "", sign: async () => "" },
    }),
  azure: (endpoint = "", container = "") =>
    openAzureBlobs({
      ...SMALL,
      timeoutMs: 20_000,
      endpoint,
      container,
      account: AZURITE.account,
      credential: { accountKey: AZURITE.accountKey },
    }),
};
