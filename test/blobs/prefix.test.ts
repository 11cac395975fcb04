import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { withPrefix } from "../../adapters/blob-prefix.ts";
import { openLocalBlobs } from "../../adapters/local/index.ts";
import { openBlobs } from "../../adapters/open-blobs.ts";
import { placeOf } from "../../src/sdk/blobs.ts";
import { blobContract, type OpenedStore } from "./contract.ts";
import { S3Server } from "./servers/s3.ts";
import { OPEN } from "./stores.ts";

async function open(): Promise<OpenedStore> {
  const s3 = new S3Server();
  await s3.server.start();
  const { accessKeyId, secretAccessKey, region } = s3.account;
  const args = [s3.server.url, s3.bucket, region, accessKeyId, secretAccessKey];
  const { faults } = s3.server;
  const paths: Readonly<Record<string, RegExp>> = {
    LAST: /uploadId=(?!.*partNumber)/,
    PART: /partNumber=/,
  };
  return {
    store: OPEN.prefixed?.(...args) as OpenedStore["store"],
    probe: ["prefixed", ...args],
    faults: {
      seen: faults.seen,
      clear: () => faults.clear(),
      add: (fault, methods, times, path = "") =>
        faults.add(
          fault,
          ({ method = "", url = "" }) =>
            methods.split(" ").includes(method) && (paths[path] ?? /./).test(url),
          times,
        ),
    },
    skipTime(ms) {
      s3.skippedMs += ms;
    },
    close: () => s3.server.stop(),
  };
}

blobContract("the part of a bucket under a prefix", open);

describe("a prefix", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "godwit-prefix-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test("hides what is beside it, and is not left", async () => {
    const whole = openLocalBlobs({ folder });
    const part = withPrefix(whole, "a/b/");
    await whole.put({ key: "a/beside", body: Buffer.from("1") });
    await whole.put({ key: "a/bother", body: Buffer.from("1") });
    await part.put({ key: "mine", body: Buffer.from("12") });
    expect((await part.list()).blobs.map(({ key }) => key)).toEqual(["mine"]);
    expect((await whole.head({ key: "a/b/mine" }))?.sizeBytes).toBe(2);
    expect(await part.head({ key: "beside" })).toBeNull();
    await expect(part.head({ key: "../beside" })).rejects.toMatchObject({ code: "BLOB_URI_INVALID" });
    expect(() => part.uriOf("")).toThrow("is empty");
    expect(withPrefix(whole, "")).toBe(whole);
  });

  test("is part of URIs, and found in them again", async () => {
    const bucket = OPEN.prefixed?.("http://127.0.0.1:1", "bucket", "r", "a", "b");
    if (bucket === undefined) throw new Error("no such store");
    expect(bucket.uriOf("x/y")).toBe("s3://bucket/team/godwit/x/y");
    expect((await placeOf({ store: bucket }, "s3://bucket/team/godwit/x/y")).key).toBe("x/y");
    await expect(placeOf({ store: bucket }, "s3://bucket/other/x")).rejects.toMatchObject({
      code: "BLOB_STORE_MISSING",
    });
  });
});

describe("a store is opened by its URI", () => {
  test.each([
    ["s3://bucket", "s3://bucket/k1"],
    ["s3://bucket/", "s3://bucket/k1"],
    ["s3://bucket/team/godwit/", "s3://bucket/team/godwit/k1"],
    ["gs://bucket/p", "gs://bucket/p/k1"],
    ["az://account/container", "az://account/container/k1"],
    ["az://account/container/p/q", "az://account/container/p/q/k1"],
  ])("%s", async (uri, of) => {
    expect((await openBlobs(uri)).uriOf("k1")).toBe(of);
  });

  test("file:///folder", async () => {
    const folder = join(tmpdir(), "with blank");
    const store = await openBlobs(pathToFileURL(folder).href);
    expect(store.uriOf("k1")).toBe(`${pathToFileURL(folder).href}/k1`);
    expect(store.capabilities.maxSignedMs).toBe(0);
    const signing = { baseUrl: "http://127.0.0.1:1/blobs", secret: "s" };
    const signed = await openBlobs(pathToFileURL(folder).href, { signing });
    expect((await signed.signGet({ key: "k1", expiresInMs: 1_000 })).url).toContain("127.0.0.1:1/blobs/k1");
  });

  test.each(["bucket", "ftp://x/y", "az://account", "s3://bucket/a/../b", "s3://", "file://host/x"])(
    "%s is refused",
    async (uri) => {
      await expect(openBlobs(uri)).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        message: expect.stringContaining(`"${uri}" is no place for blobs`),
      });
    },
  );

  test("with the endpoint and credentials of the process", async () => {
    const s3 = new S3Server();
    await s3.server.start();
    vi.stubEnv("AWS_ENDPOINT_URL_S3", s3.server.url);
    vi.stubEnv("AWS_REGION", s3.account.region);
    vi.stubEnv("AWS_ACCESS_KEY_ID", s3.account.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", s3.account.secretAccessKey);
    try {
      const store = await openBlobs(`s3://${s3.bucket}/team`);
      await store.put({ key: "a", body: Buffer.from("1") });
      expect([...s3.blobs.keys()]).toEqual(["team/a"]);
    } finally {
      await s3.server.stop();
    }
  });
});
