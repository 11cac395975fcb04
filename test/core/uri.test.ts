import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BlobUri, checkBlobKey, encodeKey, formatBlobUri, parseBlobUri } from "../../src/core/uri.ts";

const key = fc
  .array(fc.string({ unit: "binary", minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 6 })
  .map((segments) => segments.join("/"))
  .filter((text) => {
    try {
      return checkBlobKey(text) === text;
    } catch {
      return false;
    }
  });
const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{2,30}$/);

describe("a blob URI", () => {
  it("is read as it was written, whatever the key", () => {
    const uri: fc.Arbitrary<BlobUri> = fc.oneof(
      fc.record({ scheme: fc.constantFrom("s3" as const, "gs" as const), bucket: name, key }),
      fc.record({ scheme: fc.constant("az" as const), account: name, container: name, key }),
      fc.record({ scheme: fc.constant("file" as const), path: key.map((path) => `/${path}`) }),
    );
    for (const one of fc.sample(uri, 300)) expect(parseBlobUri(formatBlobUri(one))).toEqual(one);
  });

  it("takes keys as they stand, and paths as URLs", () => {
    expect(parseBlobUri("s3://data/a b/%41?x#y")).toMatchObject({ key: "a b/%41?x#y" });
    expect(parseBlobUri("az://account/box/a/b")).toStrictEqual({
      scheme: "az",
      account: "account",
      container: "box",
      key: "a/b",
    });
    expect(parseBlobUri("file:///tmp/a%20b")).toStrictEqual({ scheme: "file", path: "/tmp/a b" });
    expect(formatBlobUri({ scheme: "file", path: "/tmp/50% (1).txt" })).toBe(
      "file:///tmp/50%25%20%281%29.txt",
    );
  });

  it.each([
    "data/a",
    "http://x/y",
    "s3://data",
    "s3://data/",
    "s3:///a",
    "s3://da ta/a",
    "s3://data/../a",
    "gs://data/a/./b",
    "az://account/box",
    "az://account//a",
    "file://server/a",
    "file:///",
    "file:///%zz",
    "",
  ])("is refused when it is %j", (text) => {
    expect(() => parseBlobUri(text)).toThrow(expect.objectContaining({ code: "BLOB_URI_INVALID" }));
  });
});

describe("a key", () => {
  it.each(["a", "a/b.c", "ü/日本/🐦", "a b", "a..b/...", "%2e%2e", "~$&'()*+,;=:@!#?[]{}|^`<>\""])(
    "may be %j",
    (text) => {
      expect(checkBlobKey(text)).toBe(text);
      expect(decodeURIComponent(encodeKey(text))).toBe(text);
      expect(encodeKey(text)).toMatch(/^[A-Za-z0-9._~/%-]+$/);
    },
  );

  it.each(["", "/a", "a/", "a//b", ".", "..", "a/../b", "a\0b", "a\nb", "a\\b", "\ud800", "é".repeat(513)])(
    "may not be %j",
    (text) => {
      expect(() => checkBlobKey(text)).toThrow(expect.objectContaining({ code: "BLOB_URI_INVALID" }));
    },
  );
});
