import { createHash, createVerify, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Fault, readBody, sendBytes } from "./faults.ts";
import { own, type StoredBlob, slice, sortedKeys, WireServer } from "./wire-server.ts";

interface Resource {
  readonly name: string;
  readonly contentType?: string;
  readonly md5Hash?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

interface Session {
  readonly resource: Resource;
  readonly query: URLSearchParams;
  readonly pieces: Buffer[];
  size: number;
  isDone: boolean;
}

const PIECE_STEP = 256 * 1024;
const EMAIL = "signer@project.iam.example";

/** One bucket of GCS over HTTP: the JSON API, and the XML API for signed URLs. */
export class GcsServer {
  readonly bucket = "team-data";
  readonly token = "ya29.test";
  readonly blobs: Map<string, StoredBlob> = new Map();
  readonly sessions: Map<string, Session> = new Map();
  readonly server: WireServer = new WireServer((...args) => this.#answer(...args));
  readonly email = EMAIL;
  readonly keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } = generateKeyPairSync(
    "rsa",
    {
      modulusLength: 2048,
    },
  );
  /** Makes a session keep only this many bytes of its next piece. */
  keepOnly: number | undefined;
  skippedMs = 0;
  #generation = 1_000;

  async #answer(request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): Promise<void> {
    const url = new URL(request.url ?? "", "http://x");
    const body = await readBody(request, fault);
    if (url.searchParams.has("X-Goog-Signature"))
      return this.#signed(url, request, response, { body, fault });
    if (request.headers.authorization !== `Bearer ${this.token}`) return refuse(response, 401, "authError");
    const session = this.sessions.get(url.searchParams.get("upload_id") ?? "");
    if (url.searchParams.has("upload_id")) {
      if (session === undefined) return refuse(response, 404, "notFound");
      return this.#piece(url, session, request, response, body);
    }
    const [, upload, bucket, name] =
      /^(\/upload)?\/storage\/v1\/b\/([^/]+)\/o(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
    if (bucket !== this.bucket)
      return refuse(response, 404, "notFound", "The specified bucket does not exist.");
    if (upload !== undefined) return this.#upload(url, request, response, body);
    if (name === undefined) return this.#list(url, response);
    this.#object(url, request, response, { key: decodeURIComponent(name), fault });
  }

  #object(
    url: URL,
    request: IncomingMessage,
    response: ServerResponse,
    { key, fault }: { key: string; fault: Fault | undefined },
  ): void {
    const blob = this.blobs.get(key);
    const generation = url.searchParams.get("generation");
    if (blob === undefined || (generation !== null && generation !== blob.version)) {
      return refuse(response, 404, "notFound", `No such object: ${this.bucket}/${key}`);
    }
    if (request.method === "DELETE") {
      const match = url.searchParams.get("ifGenerationMatch");
      if (match !== null && match !== blob.version) return refuse(response, 412, "conditionNotMet");
      this.blobs.delete(key);
      response.writeHead(204).end();
    } else if (url.searchParams.get("alt") === "media") {
      this.#send(blob, request, response, fault);
    } else {
      json(response, 200, describe(key, blob));
    }
  }

  #send(
    blob: StoredBlob,
    request: IncomingMessage,
    response: ServerResponse,
    fault: Fault | undefined,
  ): void {
    const range = slice(request.headers.range, blob.bytes.length);
    if (range === null) return refuse(response, 416, "requestedRangeNotSatisfiable");
    const { start, end } = range ?? { start: 0, end: blob.bytes.length };
    response.writeHead(range === undefined ? 200 : 206, {
      "content-type": blob.headers["content-type"] ?? "application/octet-stream",
      "last-modified": blob.modified.toUTCString(),
      "x-goog-generation": blob.version,
      "x-goog-hash": `md5=${md5(blob.bytes)}`,
      "content-length": end - start,
      ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${blob.bytes.length}` }),
    });
    sendBytes(response, blob.bytes.subarray(start, end), fault);
  }

  #upload(url: URL, request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    if (url.searchParams.get("uploadType") === "resumable") {
      const resource = JSON.parse(String(body)) as Resource;
      if (this.#isTaken(url.searchParams, resource.name)) return refuse(response, 412, "conditionNotMet");
      const id = randomUUID();
      this.sessions.set(id, { resource, query: url.searchParams, pieces: [], size: 0, isDone: false });
      const location = `${this.server.url}/upload/storage/v1/b/${this.bucket}/o?uploadType=resumable&upload_id=${id}`;
      response.writeHead(200, { location }).end();
      return;
    }
    const boundary = /boundary=(.+)$/.exec(request.headers["content-type"] ?? "")?.[1] ?? "";
    const [head, media] = parts(body, boundary);
    if (head === undefined || media === undefined) return refuse(response, 400, "parseError");
    const resource = JSON.parse(String(head)) as Resource;
    if (resource.md5Hash !== undefined && resource.md5Hash !== md5(media))
      return refuse(response, 400, "InvalidMd5");
    if (this.#isTaken(url.searchParams, resource.name)) return refuse(response, 412, "conditionNotMet");
    this.#store(resource, media, response);
  }

  #piece(url: URL, session: Session, request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const id = url.searchParams.get("upload_id") ?? "";
    if (request.method === "DELETE") {
      this.sessions.delete(id);
      response.writeHead(499).end();
      return;
    }
    const done = session.isDone ? this.blobs.get(session.resource.name) : undefined;
    if (done !== undefined) return json(response, 200, describe(session.resource.name, done));
    const [, from, , total] =
      /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(request.headers["content-range"] ?? "") ?? [];
    const start = from === undefined ? session.size : Number(from);
    if (start > session.size) return refuse(response, 503, "backendError");
    if (total === "*" && body.length % PIECE_STEP !== 0)
      return refuse(response, 400, "badRequest", "not a multiple");
    // What is there already is skipped.
    let fresh = body.subarray(session.size - start);
    if (this.keepOnly !== undefined && total === "*") {
      fresh = fresh.subarray(0, this.keepOnly);
      this.keepOnly = undefined;
    }
    session.pieces.push(fresh);
    session.size += fresh.length;
    if (total === undefined || total === "*" || session.size < Number(total)) {
      const range = session.size === 0 ? {} : { range: `bytes=0-${session.size - 1}` };
      response.writeHead(308, range).end();
      return;
    }
    const bytes = Buffer.concat(session.pieces);
    const hash = /md5=([^,]+)/.exec(String(request.headers["x-goog-hash"] ?? ""))?.[1];
    if (hash !== undefined && hash !== md5(bytes)) return refuse(response, 400, "InvalidMd5");
    if (this.#isTaken(session.query, session.resource.name)) return refuse(response, 412, "conditionNotMet");
    this.#store(session.resource, bytes, response);
    session.isDone = true;
  }

  #list(url: URL, response: ServerResponse): void {
    const keys = sortedKeys(this.blobs, url.searchParams.get("prefix") ?? "");
    const limit = Math.min(1000, Number(url.searchParams.get("maxResults") ?? 1000));
    const from = Number(url.searchParams.get("pageToken") ?? 0);
    const items = keys
      .slice(from, from + limit)
      .map((key) => describe(key, this.blobs.get(key) as StoredBlob));
    const next = from + limit < keys.length ? { nextPageToken: String(from + limit) } : {};
    json(response, 200, { ...(items.length === 0 ? {} : { items }), ...next });
  }

  #signed(
    url: URL,
    request: IncomingMessage,
    response: ServerResponse,
    { body, fault }: { body: Buffer; fault: Fault | undefined },
  ): void {
    const refused = this.#checkV4(url, request);
    if (refused !== undefined) return refuse(response, 403, refused);
    const key = decodeURIComponent(url.pathname.slice(this.bucket.length + 2));
    if (request.method === "GET") {
      const blob = this.blobs.get(key);
      return blob === undefined
        ? refuse(response, 404, "NoSuchKey")
        : this.#send(blob, request, response, fault);
    }
    const [least = 0, most = Number.POSITIVE_INFINITY] = String(
      request.headers["x-goog-content-length-range"] ?? "0",
    )
      .split(",")
      .map(Number);
    if (body.length < least || body.length > most) return refuse(response, 400, "EntityTooLarge");
    if (request.headers["x-goog-if-generation-match"] === "0" && this.blobs.has(key)) {
      return refuse(response, 412, "PreconditionFailed");
    }
    const metadata = Object.fromEntries(
      Object.entries(own(request.headers, /^x-goog-meta-/)).map(([name, value]) => [name.slice(12), value]),
    );
    this.#store({ name: key, contentType: request.headers["content-type"] ?? "", metadata }, body, response);
  }

  #checkV4(url: URL, request: IncomingMessage): string | undefined {
    const query = url.searchParams;
    const time = query.get("X-Goog-Date") ?? "";
    const scope = `${time.slice(0, 8)}/auto/storage/goog4_request`;
    if (query.get("X-Goog-Credential") !== `${EMAIL}/${scope}`) return "InvalidCredential";
    const names = (query.get("X-Goog-SignedHeaders") ?? "").split(";");
    const extra = Object.keys(request.headers).filter(
      (name) => name.startsWith("x-goog-") && !names.includes(name),
    );
    if (!names.includes("host") || extra.length > 0) return "SignatureDoesNotMatch";
    const search = url.search
      .slice(1)
      .split("&")
      .filter((pair) => !pair.startsWith("X-Goog-Signature="));
    const lines = names.map((name) => `${name}:${String(request.headers[name] ?? "")}\n`).join("");
    const canonical = [
      request.method,
      url.pathname,
      search.sort().join("&"),
      lines,
      names.join(";"),
      "UNSIGNED-PAYLOAD",
    ];
    const digest = createHash("sha256").update(canonical.join("\n")).digest("hex");
    const verify = createVerify("RSA-SHA256").update(["GOOG4-RSA-SHA256", time, scope, digest].join("\n"));
    const signature = Buffer.from(query.get("X-Goog-Signature") ?? "", "hex");
    if (!verify.verify(this.keys.publicKey, signature)) return "SignatureDoesNotMatch";
    const signedMs = Date.parse(time.replace(/^(....)(..)(..T..)(..)/, "$1-$2-$3:$4:"));
    return Date.now() + this.skippedMs > signedMs + Number(query.get("X-Goog-Expires")) * 1000
      ? "ExpiredToken"
      : undefined;
  }

  #isTaken(query: URLSearchParams, key: string): boolean {
    return query.get("ifGenerationMatch") === "0" && this.blobs.has(key);
  }

  #store({ name, contentType, metadata }: Resource, bytes: Buffer, response: ServerResponse): void {
    const meta = Object.entries(metadata ?? {}).map(([key, value]) => [`x-goog-meta-${key}`, value]);
    const headers = {
      ...Object.fromEntries(meta),
      "content-type": contentType ?? "application/octet-stream",
    };
    const blob = { bytes, headers, version: String(this.#generation++), modified: new Date() };
    this.blobs.set(name, blob);
    json(response, 200, describe(name, blob));
  }
}

function describe(key: string, blob: StoredBlob): Record<string, unknown> {
  const meta = Object.entries(blob.headers).filter(([name]) => name.startsWith("x-goog-meta-"));
  return {
    name: key,
    size: String(blob.bytes.length),
    updated: blob.modified.toISOString(),
    generation: blob.version,
    contentType: blob.headers["content-type"],
    md5Hash: md5(blob.bytes),
    metadata: Object.fromEntries(meta.map(([name, value]) => [name.slice(12), value])),
  };
}

/** The contents of a multipart/related body. */
function parts(body: Buffer, boundary: string): Buffer[] {
  const mark = Buffer.from(`--${boundary}`);
  const found: Buffer[] = [];
  for (let at = body.indexOf(mark); at !== -1; ) {
    const next = body.indexOf(Buffer.from(`\r\n--${boundary}`), at + mark.length);
    if (next === -1) break;
    const start = body.indexOf("\r\n\r\n", at) + 4;
    found.push(body.subarray(start, next));
    at = next + 2;
  }
  return found;
}

function md5(bytes: Buffer): string {
  return createHash("md5").update(bytes).digest("base64");
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response
    .writeHead(status, { "content-type": "application/json; charset=UTF-8" })
    .end(JSON.stringify(value));
}

function refuse(
  response: ServerResponse,
  status: number,
  reason: string,
  message = "the test server says no",
): void {
  json(response, status, { error: { code: status, message, errors: [{ reason, message }] } });
}
