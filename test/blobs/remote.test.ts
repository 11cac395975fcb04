import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLocalBlobs, serveLocalBlob } from "../../adapters/local/index.ts";
import type { BlobStore } from "../../src/ports/blobs.ts";
import { blobContract, type OpenedStore } from "./contract.ts";
import { serveStore } from "./remote-store.ts";
import { S3Server } from "./servers/s3.ts";
import { OPEN } from "./stores.ts";

const NO_FAULTS = "faults are scripted over the S3 server below";

async function overFolder(): Promise<OpenedStore> {
  const folder = await mkdtemp(join(tmpdir(), "godwit-remote-"));
  const secret = "a secret";
  let inner: { store: BlobStore; signing: { baseUrl: string; secret: string } } | undefined;
  let skippedMs = 0;
  const served = await serveStore(
    (endpoint) => {
      const signing = { baseUrl: `${endpoint}/blobs`, secret };
      inner = { store: openLocalBlobs({ folder, signing }), signing };
      return inner.store;
    },
    (request) =>
      serveLocalBlob(request, {
        ...(inner as NonNullable<typeof inner>),
        nowMs: () => Date.now() + skippedMs,
      }),
  );
  return {
    ...served,
    skipTime(ms) {
      skippedMs += ms;
    },
    async close() {
      await served.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function overS3(): Promise<OpenedStore> {
  const s3 = new S3Server();
  await s3.server.start();
  const { accessKeyId, secretAccessKey, region } = s3.account;
  const served = await serveStore(
    () => OPEN["s3"]?.(s3.server.url, s3.bucket, region, accessKeyId, secretAccessKey) as BlobStore,
  );
  const { faults } = s3.server;
  return {
    ...served,
    faults: {
      seen: faults.seen,
      clear: () => faults.clear(),
      // Every blob goes in one piece, under a signed URL; the coordinator's own requests have none.
      add: (fault, methods, times, path = "") =>
        faults.add(
          fault,
          ({ method = "", url = "" }) =>
            methods.split(" ").includes(method) && (path === "" || url.includes("X-Amz-Signature")),
          times,
        ),
    },
    skipTime(ms) {
      s3.skippedMs += ms;
    },
    async close() {
      await served.close();
      await s3.server.stop();
    },
  };
}

blobContract("a coordinator over a folder", overFolder, {
  "keeps a blob beside others below its name": "a file system has either a file or a folder under one name",
  "waits and tries again when it is throttled": NO_FAULTS,
  "is the creator also when the reply was lost": NO_FAULTS,
  "resumes a download that broke off, and notices one that ended early": NO_FAULTS,
  "finds bytes that were changed on their way": NO_FAULTS,
  "does not wait for ever for a reply": NO_FAULTS,
  "says that a blob was replaced rather than mixing two": NO_FAULTS,
});

blobContract("a coordinator over S3", overS3);
