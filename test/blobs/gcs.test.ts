import { createSign, randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { openGcsBlobs } from "../../adapters/gcp/index.ts";
import { blobContract, type OpenedStore, PART_BYTES } from "./contract.ts";
import { GcsServer } from "./servers/gcs.ts";
import { FAST } from "./stores.ts";

async function open(): Promise<OpenedStore> {
  const gcs = new GcsServer();
  await gcs.server.start();
  return openOn(gcs);
}

async function openOn(gcs: GcsServer): Promise<OpenedStore> {
  const { faults, url: endpoint } = gcs.server;
  const store = openGcsBlobs({
    ...FAST,
    partBytes: PART_BYTES,
    endpoint,
    bucket: gcs.bucket,
    identity: {
      token: async () => gcs.token,
      email: async () => gcs.email,
      sign: async (text) => createSign("RSA-SHA256").update(text).sign(gcs.keys.privateKey, "base64"),
    },
  });
  return {
    store,
    probe: ["gcs", endpoint, gcs.bucket, gcs.token],
    faults: {
      seen: faults.seen,
      clear: () => faults.clear(),
      add: (fault, methods, times, path = "") =>
        faults.add(
          fault,
          ({ method = "", url = "", headers }) =>
            methods.split(" ").includes(method) && matches(path, url, headers["content-range"]),
          times,
        ),
    },
    skipTime(ms) {
      gcs.skippedMs += ms;
    },
    close: () => gcs.server.stop(),
  };
}

function matches(path: string, url: string, contentRange: string | undefined): boolean {
  if (path === "MEDIA") return url.includes("alt=media");
  if (path === "LAST") return contentRange !== undefined && !contentRange.endsWith("*");
  return path !== "PART" || contentRange !== undefined;
}

blobContract("GCS", open, {
  "refuses a signed PUT of other bytes":
    "GCS knows no SHA-256; the reader finds it by the one in the metadata",
});

it("sends what GCS did not keep of a piece again", async () => {
  const gcs = new GcsServer();
  await gcs.server.start();
  const { store, close } = await openOn(gcs);
  const bytes = randomBytes(3 * PART_BYTES + 5);
  gcs.keepOnly = 256 * 1024;
  await store.put({ key: "a", body: bytes });
  expect(gcs.blobs.get("a")?.bytes.equals(bytes)).toBe(true);
  await close();
});
