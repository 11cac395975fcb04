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
import { download, refuseMissing } from "../blob-download.ts";
import { checkExpiry } from "../blob-signing.ts";
import { writeBlob } from "../blob-upload.ts";
import { type HttpReply, readText } from "../http.ts";
import { type GcsObject, GcsUpload } from "./blob-upload.ts";
import { StorageClient, type StorageOptions } from "./storage-client.ts";

const MIB = 1024 * 1024;
const PIECE_STEP = 256 * 1024;
const MAX_BLOB_BYTES = 5 * 1024 * 1024 * MIB;

export interface GcsBlobsOptions extends StorageOptions {
  /** Size of one piece of a large upload, rounded up to 256 KiB. Default 8 MiB. */
  readonly partBytes?: number;
}

/**
 * Blobs in a bucket of Google Cloud Storage. Pieces of a large upload go one after the other, as the service wants.
 * Needs the package `google-auth-library`, unless an identity is given.
 *
 * @example const blobs = openGcsBlobs({ bucket: "team-data" });
 */
export function openGcsBlobs(options: GcsBlobsOptions): BlobStore {
  return new GcsBlobs(options);
}

class GcsBlobs implements BlobStore {
  readonly capabilities: BlobCapabilities = {
    scheme: "gs",
    maxBlobBytes: MAX_BLOB_BYTES,
    maxStreamBytes: MAX_BLOB_BYTES,
    knowsSha256: "unless-streamed",
    canNestKeys: true,
    isListSorted: true,
    maxSignedMs: 7 * 24 * 3_600_000,
    signedPut: { limitsSize: true, checksSha256: false, refusesOverwrite: true, maxBytes: MAX_BLOB_BYTES },
  };
  readonly #client: StorageClient;
  readonly #bucket: string;
  readonly #partBytes: number;

  constructor(options: GcsBlobsOptions) {
    this.#client = new StorageClient(options);
    this.#bucket = options.bucket;
    this.#partBytes = Math.ceil((options.partBytes ?? 8 * MIB) / PIECE_STEP) * PIECE_STEP;
  }

  uriOf(key: string): string {
    return formatBlobUri({ scheme: "gs", bucket: this.#bucket, key: checkBlobKey(key) });
  }

  async put(params: PutParams): Promise<PutReceipt> {
    const { sizeBytes, sha256 } = (await this.#write(params, false)) as PutReceipt;
    return { sizeBytes, sha256 };
  }

  putIfAbsent(params: PutParams): Promise<PutIfAbsentOutcome> {
    return this.#write(params, true);
  }

  async get(params: GetParams): Promise<OpenBlob> {
    const { key, signal } = params;
    checkBlobKey(key);
    // What is known of the object does not come with its bytes, so both are asked for at once.
    const asking = this.#object({ key, ...(signal === undefined ? {} : { signal }) });
    asking.catch(() => undefined);
    let opened: Headers | undefined;
    const open = await download(this.#client.http, params, {
      request: async ({ start, end, version }) => {
        const reply = await this.#media(params, { start, end, version });
        opened ??= reply.response.headers;
        return reply;
      },
      describe: (headers) => ({
        key,
        sha256: null,
        mediaType: headers.get("content-type") ?? DEFAULT_MEDIA_TYPE,
        modifiedAtMs: Date.parse(headers.get("last-modified") ?? ""),
      }),
      versionOf: (headers) => headers.get("x-goog-generation") ?? undefined,
      knows: async () => {
        const object = await asking;
        const isSame = object !== null && object.generation === opened?.get("x-goog-generation");
        return isSame ? describe(object) : undefined;
      },
    });
    return open;
  }

  async head(params: BlobParams): Promise<BlobInfo | null> {
    checkBlobKey(params.key);
    const object = await this.#object(params);
    return object === null ? null : describe(object);
  }

  async list({ prefix = "", limit = MAX_PAGE_KEYS, cursor, signal }: ListParams = {}): Promise<BlobPage> {
    const url = this.#client.bucketUrl({
      prefix,
      maxResults: String(Math.min(limit, MAX_PAGE_KEYS)),
      fields: "items(name,size,updated),nextPageToken",
      ...(cursor === undefined ? {} : { pageToken: cursor }),
    });
    const reply = await this.#client.send({ method: "GET", url }, { signal });
    const page = JSON.parse(await readText(this.#client.http, reply, signal)) as {
      readonly items?: readonly GcsObject[];
      readonly nextPageToken?: string;
    };
    const blobs = (page.items ?? []).map(({ name, size, updated }) => ({
      key: name,
      sizeBytes: Number(size),
      modifiedAtMs: Date.parse(updated),
    }));
    return { blobs, next: page.nextPageToken ?? null };
  }

  async delete({ key, signal }: BlobParams): Promise<void> {
    checkBlobKey(key);
    const url = this.#client.objectUrl(key);
    const { response } = await this.#client.send({ method: "DELETE", url }, { accept: [404], signal });
    await response.body?.cancel();
  }

  async signGet({ key, expiresInMs }: SignGetParams): Promise<SignedRequest> {
    const expiresAtMs = checkExpiry(this, expiresInMs, this.#client.http.clock);
    const call = { method: "GET", key: checkBlobKey(key), headers: {} } as const;
    return { method: "GET", url: await this.#client.presign(call, expiresInMs), headers: {}, expiresAtMs };
  }

  async signPut(params: SignPutParams): Promise<SignedRequest> {
    const expiresAtMs = checkExpiry(this, params.expiresInMs, this.#client.http.clock);
    const headers = {
      "content-type": params.mediaType ?? DEFAULT_MEDIA_TYPE,
      "x-goog-content-length-range": `${params.sizeBytes},${params.sizeBytes}`,
      "x-goog-meta-sha256": params.sha256.toLowerCase(),
      ...(params.ifAbsent === true ? { "x-goog-if-generation-match": "0" } : {}),
    };
    const call = { method: "PUT", key: checkBlobKey(params.key), headers } as const;
    return { method: "PUT", url: await this.#client.presign(call, params.expiresInMs), headers, expiresAtMs };
  }

  #media(
    { key, signal }: GetParams,
    { start, end, version }: { start: number; end: number | undefined; version: string | undefined },
  ): Promise<HttpReply> {
    const isWhole = start === 0 && end === undefined;
    const headers: Record<string, string> = isWhole
      ? {}
      : { range: `bytes=${start}-${end === undefined ? "" : end - 1}` };
    const query = { alt: "media", ...(version === undefined ? {} : { generation: version }) };
    const url = this.#client.objectUrl(key, query);
    return this.#client.send({ method: "GET", url, headers }, { accept: [404, 412, 416], signal });
  }

  async #object({ key, signal }: BlobParams): Promise<GcsObject | null> {
    const url = this.#client.objectUrl(key);
    const reply = await this.#client.send({ method: "GET", url }, { accept: [404], signal });
    if (reply.response.status === 404) {
      const refusal = await refuseMissing(this.#client.http, key, reply);
      if (refusal.code === "BLOB_NOT_FOUND") return null;
      throw refusal;
    }
    return JSON.parse(await readText(this.#client.http, reply, signal)) as GcsObject;
  }

  async #write(params: PutParams, ifAbsent: boolean): Promise<PutIfAbsentOutcome> {
    checkBlobKey(params.key);
    const upload = new GcsUpload(this.#client, { params, ifAbsent, mark: randomUUID() });
    return writeBlob(params, { partBytes: this.#partBytes, parallel: 1 }, upload);
  }
}

function describe(object: GcsObject): BlobInfo {
  return {
    key: object.name,
    sizeBytes: Number(object.size),
    sha256: object.metadata?.sha256 ?? null,
    mediaType: object.contentType ?? DEFAULT_MEDIA_TYPE,
    modifiedAtMs: Date.parse(object.updated),
  };
}
