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
import { download } from "../blob-download.ts";
import { checkExpiry } from "../blob-signing.ts";
import { partBytesFor, writeBlob } from "../blob-upload.ts";
import { readText } from "../http.ts";
import { xmlElements, xmlText } from "../xml.ts";
import { BlobClient, type BlobClientOptions } from "./blob-client.ts";
import { AzureUpload, SHA256_HEADER } from "./blob-upload.ts";

const MIB = 1024 * 1024;
const MAX_BLOCKS = 50_000;
const MAX_BLOCK_BYTES = 4_000 * MIB;
/** Without blocks. */
const MAX_PUT_BYTES = 5_000 * MIB;
const DAY_MS = 24 * 3_600_000;

export interface AzureBlobsOptions extends BlobClientOptions {
  /** Size of one block of a large upload. Default 8 MiB. */
  readonly partBytes?: number;
  /** Blocks in flight at a time. Default 4. */
  readonly parallel?: number;
}

/**
 * Blobs in a container of Azure Blob Storage. Needs the package `@azure/identity`, unless a credential is given.
 * A signed PUT cannot be limited in size, so give it only to those who may write anything.
 *
 * @example const blobs = openAzureBlobs({ account: "team", container: "data" });
 */
export function openAzureBlobs(options: AzureBlobsOptions): BlobStore {
  return new AzureBlobs(options);
}

class AzureBlobs implements BlobStore {
  readonly capabilities: BlobCapabilities;
  readonly #client: BlobClient;
  readonly #options: AzureBlobsOptions;
  readonly #partBytes: number;

  constructor(options: AzureBlobsOptions) {
    this.#client = new BlobClient(options);
    this.#options = options;
    this.#partBytes = options.partBytes ?? 8 * MIB;
    this.capabilities = {
      scheme: "az",
      maxBlobBytes: MAX_BLOCKS * MAX_BLOCK_BYTES,
      maxStreamBytes: MAX_BLOCKS * this.#partBytes,
      knowsSha256: "always",
      canNestKeys: true,
      isListSorted: false,
      // What a lent key allows; with the account's key it could be longer.
      maxSignedMs: 7 * DAY_MS,
      signedPut: { limitsSize: false, checksSha256: false, refusesOverwrite: true, maxBytes: MAX_PUT_BYTES },
    };
  }

  uriOf(key: string): string {
    const { account, container } = this.#options;
    return formatBlobUri({ scheme: "az", account, container, key: checkBlobKey(key) });
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
    return download(this.#client.http, params, {
      request: ({ start, end, version }) => {
        const isWhole = start === 0 && end === undefined;
        const headers = {
          ...(isWhole ? {} : { "x-ms-range": `bytes=${start}-${end === undefined ? "" : end - 1}` }),
          ...(version === undefined ? {} : { "if-match": version }),
        };
        return this.#client.send({ method: "GET", key, headers }, { accept: [404, 412, 416], signal });
      },
      describe: (headers) => describe(key, headers),
      versionOf: (headers) => headers.get("etag") ?? undefined,
    });
  }

  async head({ key, signal }: BlobParams): Promise<BlobInfo | null> {
    checkBlobKey(key);
    const { response } = await this.#client.send({ method: "HEAD", key }, { accept: [404], signal });
    if (response.status === 404) return null;
    return { ...describe(key, response.headers), sizeBytes: Number(response.headers.get("content-length")) };
  }

  async list({ prefix = "", limit = MAX_PAGE_KEYS, cursor, signal }: ListParams = {}): Promise<BlobPage> {
    const query = {
      restype: "container",
      comp: "list",
      maxresults: String(Math.min(limit, MAX_PAGE_KEYS)),
      ...(prefix === "" ? {} : { prefix }),
      ...(cursor === undefined ? {} : { marker: cursor }),
    };
    const reply = await this.#client.send({ method: "GET", query }, { signal });
    const text = await readText(this.#client.http, reply, signal);
    const blobs = xmlElements(text, "Blob").map((item) => ({
      key: nameOf(item),
      sizeBytes: Number(xmlText(item, "Content-Length")),
      modifiedAtMs: Date.parse(xmlText(item, "Last-Modified") ?? ""),
    }));
    return { blobs, next: xmlText(text, "NextMarker") || null };
  }

  async delete({ key, signal }: BlobParams): Promise<void> {
    checkBlobKey(key);
    const call = { method: "DELETE", key, headers: { "x-ms-delete-snapshots": "include" } } as const;
    const { response } = await this.#client.send(call, { accept: [404], signal });
    await response.body?.cancel();
  }

  async signGet({ key, expiresInMs }: SignGetParams): Promise<SignedRequest> {
    const expiresAtMs = checkExpiry(this, expiresInMs, this.#client.http.clock);
    const url = await this.#client.presign(checkBlobKey(key), "r", expiresAtMs);
    return { method: "GET", url, headers: {}, expiresAtMs };
  }

  async signPut(params: SignPutParams): Promise<SignedRequest> {
    const expiresAtMs = checkExpiry(this, params.expiresInMs, this.#client.http.clock);
    const permissions = params.ifAbsent === true ? "c" : "cw";
    const url = await this.#client.presign(checkBlobKey(params.key), permissions, expiresAtMs);
    const headers = {
      "content-type": params.mediaType ?? DEFAULT_MEDIA_TYPE,
      "x-ms-blob-type": "BlockBlob",
      [SHA256_HEADER]: params.sha256.toLowerCase(),
      ...(params.ifAbsent === true ? { "if-none-match": "*" } : {}),
    };
    return { method: "PUT", url, headers, expiresAtMs };
  }

  async #write(params: PutParams, ifAbsent: boolean): Promise<PutIfAbsentOutcome> {
    checkBlobKey(params.key);
    const upload = new AzureUpload(this.#client, { params, ifAbsent, mark: randomUUID() });
    const partBytes = partBytesFor(params, this.#partBytes, MAX_BLOCKS);
    return writeBlob(params, { partBytes, parallel: this.#options.parallel ?? 4 }, upload);
  }
}

function describe(key: string, headers: Headers): Omit<BlobInfo, "sizeBytes"> {
  return {
    key,
    sha256: headers.get(SHA256_HEADER),
    mediaType: headers.get("content-type") ?? DEFAULT_MEDIA_TYPE,
    modifiedAtMs: Date.parse(headers.get("last-modified") ?? ""),
  };
}

/** Names that XML cannot hold come percent-encoded, and say so. */
function nameOf(item: string): string {
  const name = xmlText(item, "Name") ?? "";
  return /<Name\s+Encoded="true">/.test(item) ? decodeURIComponent(name) : name;
}
