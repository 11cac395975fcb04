import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Fault, readBody, sendBytes } from "./faults.ts";
import { checkSigV4, type S3Account } from "./sigv4.ts";
import { own, type StoredBlob, slice, sortedKeys, WireServer } from "./wire-server.ts";

interface Upload {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, { readonly bytes: Buffer; readonly etag: string }>;
}

const MIN_PART_BYTES = 5 * 1024 * 1024;
const KEPT = /^(x-amz-meta-.*|content-type)$/;

/** One bucket of S3 over HTTP, path-style, with verified signatures and checksums. */
export class S3Server {
  readonly account: S3Account = {
    accessKeyId: "AKIDTEST",
    secretAccessKey: "s3cr3t/+key",
    region: "eu-test-1",
  };
  readonly bucket = "team-data";
  readonly blobs: Map<string, StoredBlob> = new Map();
  readonly uploads: Map<string, Upload> = new Map();
  readonly server: WireServer = new WireServer((...args) => this.#answer(...args));
  skippedMs = 0;

  async #answer(request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): Promise<void> {
    const url = new URL(request.url ?? "", "http://x");
    const body = await readBody(request, fault);
    const refused =
      checkSigV4(request, this.account, Date.now() + this.skippedMs) ?? checkBody(request, body);
    if (refused !== undefined) return refuse(response, STATUS[refused] ?? 403, refused);
    const [, bucket, ...rest] = url.pathname.split("/");
    if (bucket !== this.bucket) return refuse(response, 404, "NoSuchBucket");
    const key = decodeURIComponent(rest.join("/"));
    if (key === "") return this.#list(url, response);
    switch (request.method) {
      case "GET":
      case "HEAD":
        return this.#get(request, response, key, fault);
      case "PUT":
        return url.searchParams.has("partNumber")
          ? this.#part(url, request, response, body)
          : this.#put(request, response, key, body);
      case "POST":
        return url.searchParams.has("uploads")
          ? this.#begin(request, response, key)
          : this.#complete(url, request, response, body);
      case "DELETE": {
        const uploadId = url.searchParams.get("uploadId");
        if (uploadId === null) this.blobs.delete(key);
        else if (!this.uploads.delete(uploadId)) return refuse(response, 404, "NoSuchUpload");
        response.writeHead(204).end();
        return;
      }
      default:
        return refuse(response, 405, "MethodNotAllowed");
    }
  }

  #get(request: IncomingMessage, response: ServerResponse, key: string, fault: Fault | undefined): void {
    const blob = this.blobs.get(key);
    if (blob === undefined) return refuse(response, 404, "NoSuchKey");
    if (request.headers["if-match"] !== undefined && request.headers["if-match"] !== blob.version) {
      return refuse(response, 412, "PreconditionFailed");
    }
    const range = slice(request.headers.range, blob.bytes.length);
    if (range === null) return refuse(response, 416, "InvalidRange");
    const { start, end } = range ?? { start: 0, end: blob.bytes.length };
    const { "x-amz-checksum-sha256": checksum, ...headers } = blob.headers;
    response.writeHead(range === undefined ? 200 : 206, {
      ...headers,
      etag: blob.version,
      "last-modified": blob.modified.toUTCString(),
      "content-length": end - start,
      ...(request.headers["x-amz-checksum-mode"] === "ENABLED" && range === undefined && checksum
        ? { "x-amz-checksum-sha256": checksum }
        : {}),
      ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${blob.bytes.length}` }),
    });
    if (request.method === "HEAD") response.end();
    else sendBytes(response, blob.bytes.subarray(start, end), fault);
  }

  #put(request: IncomingMessage, response: ServerResponse, key: string, bytes: Buffer): void {
    if (request.headers["if-none-match"] === "*" && this.blobs.has(key)) {
      return refuse(response, 412, "PreconditionFailed");
    }
    const headers = own(request.headers, /^(x-amz-meta-.*|content-type|x-amz-checksum-sha256)$/);
    this.#store(key, bytes, headers);
    response.writeHead(200, { etag: this.blobs.get(key)?.version }).end();
  }

  #begin(request: IncomingMessage, response: ServerResponse, key: string): void {
    const uploadId = randomUUID();
    this.uploads.set(uploadId, { key, headers: own(request.headers, KEPT), parts: new Map() });
    response.end(
      `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`,
    );
  }

  #part(url: URL, request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
    const upload = this.uploads.get(url.searchParams.get("uploadId") ?? "");
    if (upload === undefined) return refuse(response, 404, "NoSuchUpload");
    if (request.headers["x-amz-checksum-sha256"] === undefined)
      return refuse(response, 400, "InvalidRequest");
    const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    upload.parts.set(Number(url.searchParams.get("partNumber")), { bytes, etag });
    response.writeHead(200, { etag }).end();
  }

  #complete(url: URL, request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const uploadId = url.searchParams.get("uploadId") ?? "";
    const upload = this.uploads.get(uploadId);
    if (upload === undefined) return refuse(response, 404, "NoSuchUpload");
    if (request.headers["if-none-match"] === "*" && this.blobs.has(upload.key)) {
      return refuse(response, 412, "PreconditionFailed");
    }
    const listed = [
      ...String(body).matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>&#34;(\w+)&#34;<\/ETag>/g),
    ];
    const parts = listed.map(([, number, etag]) => {
      const part = upload.parts.get(Number(number));
      return part?.etag === `"${etag}"` ? part.bytes : undefined;
    });
    if (parts.length === 0 || parts.includes(undefined)) return refuse(response, 400, "InvalidPart");
    if (parts.slice(0, -1).some((part) => (part?.length ?? 0) < MIN_PART_BYTES)) {
      return refuse(response, 400, "EntityTooSmall");
    }
    const bytes = Buffer.concat(parts as Buffer[]);
    this.#store(upload.key, bytes, {
      ...upload.headers,
      "x-amz-checksum-sha256": `c29tZQ==-${parts.length}`,
    });
    this.uploads.delete(uploadId);
    response.end("<CompleteMultipartUploadResult/>");
  }

  #list(url: URL, response: ServerResponse): void {
    const query = url.searchParams;
    const limit = Math.min(1000, Number(query.get("max-keys") ?? 1000));
    const after = Buffer.from(query.get("continuation-token") ?? "", "base64").toString();
    const keys = sortedKeys(this.blobs, query.get("prefix") ?? "");
    const from = after === "" ? 0 : keys.indexOf(after) + 1;
    const page = keys.slice(from, from + limit);
    const items = page.map((key) => {
      const blob = this.blobs.get(key);
      const name = encodeURIComponent(key).replaceAll("%20", "+").replaceAll("%2F", "/");
      return `<Contents><Key>${name}</Key><LastModified>${blob?.modified.toISOString()}</LastModified><Size>${blob?.bytes.length}</Size></Contents>`;
    });
    const isMore = from + limit < keys.length;
    const token = Buffer.from(page.at(-1) ?? "").toString("base64");
    const next = isMore ? `<NextContinuationToken>${token}</NextContinuationToken>` : "";
    response.end(
      `<ListBucketResult><IsTruncated>${isMore}</IsTruncated>${items.join("")}${next}</ListBucketResult>`,
    );
  }

  #store(key: string, bytes: Buffer, headers: Readonly<Record<string, string>>): void {
    const version = `"${randomUUID()}"`;
    this.blobs.set(key, { bytes, headers, version, modified: new Date() });
  }
}

const STATUS: Readonly<Record<string, number>> = { BadDigest: 400, XAmzContentSHA256Mismatch: 400 };

function checkBody(request: IncomingMessage, body: Buffer): string | undefined {
  const digest = createHash("sha256").update(body).digest();
  const told = request.headers["x-amz-content-sha256"];
  if (told !== undefined && told !== digest.toString("hex")) return "XAmzContentSHA256Mismatch";
  const checksum = request.headers["x-amz-checksum-sha256"];
  return checksum === undefined || checksum === digest.toString("base64") ? undefined : "BadDigest";
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>the test server says no</Message></Error>`,
  );
}
