import { GodwitError } from "./godwit-error.ts";
import { fitsUtf8 } from "./utf8.ts";

/**
 * Where a blob is. `file://` names an absolute path, the others a key in a bucket or container.
 *
 * @example const uri: BlobUri = { scheme: "s3", bucket: "data", key: "2026/a.csv" };
 */
export type BlobUri =
  | { readonly scheme: "file"; readonly path: string }
  | { readonly scheme: "s3" | "gs"; readonly bucket: string; readonly key: string }
  | { readonly scheme: "az"; readonly account: string; readonly container: string; readonly key: string };

/** How long a key may be, in bytes of UTF-8: what S3 and GCS take. */
export const MAX_KEY_BYTES = 1024;

/**
 * The parts of a blob URI. Keys are taken as they stand, so `%`, `?`, `#` and blanks need no escaping, as with the
 * vendors' own tools; a `file://` URI is a URL and is decoded. Throws `BLOB_URI_INVALID`.
 *
 * @example parseBlobUri("s3://data/2026/a b.csv") // { scheme: "s3", bucket: "data", key: "2026/a b.csv" }
 */
export function parseBlobUri(text: string): BlobUri {
  const [, scheme, rest] = /^([a-z0-9]+):\/\/(.*)$/su.exec(text) ?? [];
  if (rest === undefined) throw invalid(text, "has no scheme");
  switch (scheme) {
    case "file":
      return { scheme, path: parsePath(text, rest) };
    case "s3":
    case "gs": {
      const [bucket, key] = split(text, rest, 1);
      return { scheme, bucket: bucket ?? "", key: key ?? "" };
    }
    case "az": {
      const [account, container, key] = split(text, rest, 2);
      return { scheme, account: account ?? "", container: container ?? "", key: key ?? "" };
    }
    default:
      throw invalid(text, `has the scheme "${scheme}", not file, s3, gs or az`);
  }
}

/**
 * The text of a blob URI; `parseBlobUri` reads it back.
 *
 * @example formatBlobUri({ scheme: "gs", bucket: "data", key: "a.csv" }) // "gs://data/a.csv"
 */
export function formatBlobUri(uri: BlobUri): string {
  switch (uri.scheme) {
    case "file":
      return `file://${encodeKey(uri.path)}`;
    case "s3":
    case "gs":
      return `${uri.scheme}://${uri.bucket}/${uri.key}`;
    case "az":
      return `az://${uri.account}/${uri.container}/${uri.key}`;
  }
}

/**
 * The key itself if every store can hold it, else `BLOB_URI_INVALID`: 1 to 1,024 bytes of UTF-8 in segments that
 * `/` separates, none of them empty, `.` or `..`, without control characters and backslashes.
 *
 * @example checkBlobKey("runs/a0/output.json") // "runs/a0/output.json"
 */
export function checkBlobKey(key: string): string {
  if (key === "") throw invalid(key, "is empty");
  if (!key.isWellFormed()) throw invalid(key, "is not well-formed Unicode");
  if (!fitsUtf8(key, MAX_KEY_BYTES)) throw invalid(key, `is longer than ${MAX_KEY_BYTES} bytes`);
  if (UNSAFE.test(key)) throw invalid(key, "has a control character or a backslash");
  // URLs and file systems would resolve these, and so reach another blob than the one that is named.
  if (key.split("/").some((segment) => segment === "" || segment === "." || segment === "..")) {
    throw invalid(key, 'has a segment that is empty, "." or ".."');
  }
  return key;
}

/**
 * A key as the path of a URL: everything but unreserved characters and `/` is percent-encoded.
 *
 * @example encodeKey("a b/c+d") // "a%20b/c%2Bd"
 */
export function encodeKey(key: string): string {
  return key.split("/").map(encodeSegment).join("/");
}

/**
 * As `encodeURIComponent`, but also for `!'()*`, which signatures want encoded.
 *
 * @example encodeSegment("a/b (1)") // "a%2Fb%20%281%29"
 */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const UNSAFE = /[\u0000-\u001f\u007f\\]/;

function parsePath(text: string, rest: string): string {
  if (!rest.startsWith("/")) throw invalid(text, "names another machine; write file:///path");
  let path: string;
  try {
    path = decodeURIComponent(rest);
  } catch (error) {
    throw invalid(text, "is not percent-encoded as a URL is", error);
  }
  if (path.length === 1 || path.includes("\0")) throw invalid(text, "names no file");
  return path;
}

/** The first `names` segments and, after them, the key. */
function split(text: string, rest: string, names: number): string[] {
  const segments = rest.split("/");
  if (segments.length <= names) throw invalid(text, "has no key");
  const parts = segments.slice(0, names);
  if (!parts.every((name) => BUCKET.test(name))) {
    throw invalid(text, "has a bucket, account or container that no store allows");
  }
  return [...parts, checkBlobKey(segments.slice(names).join("/"))];
}

const BUCKET = /^[A-Za-z0-9$][A-Za-z0-9._-]{0,221}$/;

function invalid(text: string, why: string, cause?: unknown): GodwitError {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return new GodwitError(
    "BLOB_URI_INVALID",
    `${JSON.stringify(shown)} ${why}`,
    cause === undefined ? {} : { cause },
  );
}
