import { randomUUID } from "node:crypto";
import { checkBlobKey, formatBlobUri } from "../../src/core/uri.ts";
import {
  type BlobCapabilities,
  type BlobInfo,
  type BlobPage,
  type BlobParams,
  type BlobStore,
  DEFAULT_MEDIA_TYPE,
  type GetParams,
  type ListParams,
  MAX_PAGE_KEYS,
  type OpenBlob,
  type PutIfAbsentOutcome,
  type PutParams,
  type PutReceipt,
  type SignedRequest,
  type SignGetParams,
  type SignPutParams,
} from "../../src/ports/blobs.ts";
import { download, type RangeRequest } from "../blob-download.ts";
import { checkExpiry } from "../blob-signing.ts";
import { partBytesFor, writeBlob } from "../blob-upload.ts";
import { readText } from "../http.ts";
import { xmlElements, xmlText } from "../xml.ts";
import { S3Upload, SHA256_HEADER } from "./blob-upload.ts";
import { S3Client, type S3Options } from "./s3-client.ts";

const MIB = 1024 * 1024;
const MAX_PARTS = 10_000;
const MAX_BLOB_BYTES = 5 * 1024 * 1024 * MIB;
/** Without parts. */
const MAX_PUT_BYTES = 5 * 1024 * MIB;

export interface S3BlobsOptions extends S3Options {
  /** Size of one part of a large upload; S3 takes 5 MiB and more. Default 8 MiB. */
  readonly partBytes?: number;
  /** Parts in flight at a time. Default 4. */
  readonly parallel?: number;
}

/**
 * Blobs in a bucket of S3 or of a store that speaks its protocol (R2, MinIO, Ceph, …) and honours
 * `If-None-Match: *`. Needs the package `aws4fetch`.
 *
 * @example const blobs = openS3Blobs({ bucket: "team-data", region: "eu-central-1" });
 */
export function openS3Blobs(options: S3BlobsOptions): BlobStore {
  return new S3Blobs(options);
}

class S3Blobs implements BlobStore {
  readonly capabilities: BlobCapabilities;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #partBytes: number;
  readonly #parallel: number;

  constructor(options: S3BlobsOptions) {
    this.#client = new S3Client(options);
    this.#bucket = options.bucket;
    this.#partBytes = options.partBytes ?? 8 * MIB;
    this.#parallel = options.parallel ?? 4;
    this.capabilities = {
      scheme: "s3",
      maxBlobBytes: MAX_BLOB_BYTES,
      maxStreamBytes: this.#partBytes * MAX_PARTS,
      knowsSha256: "unless-streamed",
      canNestKeys: true,
      isListSorted: true,
      maxSignedMs: 7 * 24 * 3_600_000,
      signedPut: { limitsSize: true, checksSha256: true, refusesOverwrite: true, maxBytes: MAX_PUT_BYTES },
    };
  }

  uriOf(key: string): string {
    return formatBlobUri({ scheme: "s3", bucket: this.#bucket, key: checkBlobKey(key) });
  }

  async put(params: PutParams): Promise<PutReceipt> {
    const { sizeBytes, sha256 } = (await this.#write(params, false)) as PutReceipt;
    return { sizeBytes, sha256 };
  }

  putIfAbsent(params: PutParams): Promise<PutIfAbsentOutcome> {
    return this.#write(params, true);
  }

  async get(params: GetParams): Promise<OpenBlob> {
    checkBlobKey(params.key);
    const { key, signal } = params;
    return download(this.#client.http, params, {
      request: ({ start, end, version }) =>
        this.#client.send(
          {
            method: "GET",
            key,
            headers: {
              "x-amz-checksum-mode": "ENABLED",
              ...rangeHeader({ start, end, version }),
              ...(version === undefined ? {} : { "if-match": version }),
            },
          },
          { accept: [404, 412, 416], signal },
        ),
      describe: (headers) => describe(key, headers),
      versionOf: (headers) => headers.get("etag") ?? undefined,
    });
  }

  async head({ key, signal }: BlobParams): Promise<BlobInfo | null> {
    checkBlobKey(key);
    const headers = { "x-amz-checksum-mode": "ENABLED" };
    const { response } = await this.#client.send({ method: "HEAD", key, headers }, { accept: [404], signal });
    if (response.status === 404) return null;
    return { ...describe(key, response.headers), sizeBytes: Number(response.headers.get("content-length")) };
  }

  async list({ prefix = "", limit = MAX_PAGE_KEYS, cursor, signal }: ListParams = {}): Promise<BlobPage> {
    const query = {
      "list-type": "2",
      "encoding-type": "url",
      "max-keys": String(Math.min(limit, MAX_PAGE_KEYS)),
      prefix,
      ...(cursor === undefined ? {} : { "continuation-token": cursor }),
    };
    const reply = await this.#client.send({ method: "GET", query }, { signal });
    const text = await readText(this.#client.http, reply, signal);
    const blobs = xmlElements(text, "Contents").map((item) => ({
      key: decodeURIComponent((xmlText(item, "Key") ?? "").replaceAll("+", " ")),
      sizeBytes: Number(xmlText(item, "Size")),
      modifiedAtMs: Date.parse(xmlText(item, "LastModified") ?? ""),
    }));
    return { blobs, next: xmlText(text, "NextContinuationToken") ?? null };
  }

  async delete({ key, signal }: BlobParams): Promise<void> {
    checkBlobKey(key);
    const { response } = await this.#client.send({ method: "DELETE", key }, { signal });
    await response.body?.cancel();
  }

  async signGet({ key, expiresInMs }: SignGetParams): Promise<SignedRequest> {
    const expiresAtMs = checkExpiry(this, expiresInMs, this.#client.http.clock);
    const url = await this.#client.presign({ method: "GET", key: checkBlobKey(key) }, expiresInMs);
    return { method: "GET", url, headers: {}, expiresAtMs };
  }

  async signPut(params: SignPutParams): Promise<SignedRequest> {
    const expiresAtMs = checkExpiry(this, params.expiresInMs, this.#client.http.clock);
    const headers = {
      "content-type": params.mediaType ?? DEFAULT_MEDIA_TYPE,
      "x-amz-checksum-sha256": Buffer.from(params.sha256, "hex").toString("base64"),
      [SHA256_HEADER]: params.sha256.toLowerCase(),
      ...(params.ifAbsent === true ? { "if-none-match": "*" } : {}),
    };
    // Signed but not listed: every client sets the length itself, and S3 compares it with the signature.
    const signed = { ...headers, "content-length": String(params.sizeBytes) };
    const url = await this.#client.presign(
      { method: "PUT", key: checkBlobKey(params.key), headers: signed },
      params.expiresInMs,
    );
    return { method: "PUT", url, headers, expiresAtMs };
  }

  async #write(params: PutParams, ifAbsent: boolean): Promise<PutIfAbsentOutcome> {
    checkBlobKey(params.key);
    const upload = new S3Upload(this.#client, { params, ifAbsent, mark: randomUUID() });
    const partBytes = partBytesFor(params, this.#partBytes, MAX_PARTS);
    return writeBlob(params, { partBytes, parallel: this.#parallel }, upload);
  }
}

function rangeHeader({ start, end }: RangeRequest): Record<string, string> {
  if (start === 0 && end === undefined) return {};
  return { range: `bytes=${start}-${end === undefined ? "" : end - 1}` };
}

function describe(key: string, headers: Headers): Omit<BlobInfo, "sizeBytes"> {
  return {
    key,
    sha256: headers.get(SHA256_HEADER) ?? wholeChecksum(headers),
    mediaType: headers.get("content-type") ?? DEFAULT_MEDIA_TYPE,
    modifiedAtMs: Date.parse(headers.get("last-modified") ?? ""),
  };
}

/** The checksum of a multipart upload is one of checksums and ends in the number of parts. */
function wholeChecksum(headers: Headers): string | null {
  const checksum = headers.get("x-amz-checksum-sha256");
  return checksum === null || checksum.includes("-") ? null : Buffer.from(checksum, "base64").toString("hex");
}
