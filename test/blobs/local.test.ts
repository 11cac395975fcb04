import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { openLocalBlobs, serveLocalBlob } from "../../adapters/local/index.ts";
import type { BlobStore } from "../../src/ports/blobs.ts";
import { blobContract, type OpenedStore } from "./contract.ts";

const NO_WIRE = "there is no wire between the store and the disk";

async function open(): Promise<OpenedStore> {
  const folder = await mkdtemp(join(tmpdir(), "godwit-blobs-"));
  let store: BlobStore | undefined;
  let baseUrl = "";
  let skippedMs = 0;
  const secret = "a secret";
  const listener = getRequestListener((request) =>
    serveLocalBlob(request, {
      store: store as BlobStore,
      signing: { baseUrl, secret },
      nowMs: () => Date.now() + skippedMs,
    }),
  );
  const server = createServer((request, response) => void listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/blobs`;
  store = openLocalBlobs({ folder, signing: { baseUrl, secret } });
  return {
    store,
    probe: ["local", folder, baseUrl],
    skipTime(ms) {
      skippedMs += ms;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

blobContract("a folder", open, {
  "keeps a blob beside others below its name": "a file system has either a file or a folder under one name",
  "waits and tries again when it is throttled": NO_WIRE,
  "is the creator also when the reply was lost": NO_WIRE,
  "resumes a download that broke off, and notices one that ended early": NO_WIRE,
  "finds bytes that were changed on their way": NO_WIRE,
  "does not wait for ever for a reply": NO_WIRE,
  "says that a blob was replaced rather than mixing two": "an open file stays what it was",
});
