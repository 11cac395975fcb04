import type { BlobAnswers, BlobAsk, BlobStoreView } from "../../src/client/api.ts";
import type { BlobCalls } from "../../src/client/blob-calls.ts";
import { checkBlobKey, encodeKey } from "../../src/core/uri.ts";
import {
  type BlobCapabilities,
  type BlobInfo,
  type BlobPage,
  type BlobParams,
  type BlobStore,
  DEFAULT_MEDIA_TYPE,
  type GetParams,
  type ListParams,
  type OpenBlob,
  type PutIfAbsentOutcome,
  type PutParams,
  type PutReceipt,
  type SignedRequest,
  type SignGetParams,
  type SignPutParams,
} from "../../src/ports/blobs.ts";
import { download, notFound } from "../blob-download.ts";
import { checkExpiry } from "../blob-signing.ts";
import { discard } from "../blob-source.ts";
import { Http, type HttpOptions, type HttpRequest } from "../http.ts";
import { FreshUrl } from "./fresh-url.ts";
import { readRefusal } from "./refusal.ts";
import { type Spooled, spool } from "./spool.ts";

export interface RemoteBlobsOptions extends HttpOptions {
  readonly calls: BlobCalls;
  /** What `calls.describe` told. */
  readonly view: BlobStoreView;
  /** For a runner: the lease of the execution that uses the store. */
  readonly lease?: (() => Promise<string>) | undefined;
}

/** From this size on it is worth a request to ask whether the store has a blob before it is sent. */
const ASK_BYTES = 1024 * 1024;
const CONFLICT: readonly number[] = [403, 409, 412];

/**
 * The blob store of a coordinator, without its credentials: the coordinator signs URLs, bytes go straight to the store.
 * A blob is written with one request, so its size and hash have to be known; streams that do not tell them pass through
 * a temporary file.
 *
 * Of writers of the *same* bytes more than one may be told `created`, when a reply was lost.
 */
export class RemoteBlobs implements BlobStore {
  readonly capabilities: BlobCapabilities;
  readonly #calls: BlobCalls;
  readonly #lease: (() => Promise<string>) | undefined;
  readonly #uri: string;
  readonly #http: Http;

  constructor({ calls, view, lease, ...http }: RemoteBlobsOptions) {
    const { capabilities } = view;
    const maxBytes = Math.min(capabilities.maxBlobBytes, capabilities.signedPut.maxBytes);
    this.capabilities = {
      ...capabilities,
      maxBlobBytes: maxBytes,
      maxStreamBytes: maxBytes,
      knowsSha256: "always",
    };
    this.#calls = calls;
    this.#lease = lease;
    this.#uri = view.uri;
    this.#http = new Http("the blob store", readRefusal, http);
  }

  uriOf(key: string): string {
    const checked = checkBlobKey(key);
    return this.#uri + (this.capabilities.scheme === "file" ? encodeKey(checked) : checked);
  }

  async put(params: PutParams): Promise<PutReceipt> {
    const { sizeBytes, sha256 } = (await this.#write(params, false)) as PutReceipt;
    return { sizeBytes, sha256 };
  }

  async putIfAbsent(params: PutParams): Promise<PutIfAbsentOutcome> {
    const { key, body, sizeBytes, signal } = params;
    const isLarge = (sizeBytes ?? (body instanceof Uint8Array ? body.byteLength : ASK_BYTES)) >= ASK_BYTES;
    if (!isLarge || (await this.head({ key, ...(signal && { signal }) })) === null)
      return this.#write(params, true);
    await discard(body);
    return { outcome: "exists" };
  }

  async get(params: GetParams): Promise<OpenBlob> {
    const { key, signal } = params;
    checkBlobKey(key);
    let info: BlobInfo | null | undefined;
    // Whoever knows the hash needs to know nothing else: then the coordinator has nothing to ask the store.
    const describe = params.sha256 === undefined;
    const url = new FreshUrl(this.#http.clock, this.capabilities.maxSignedMs, async () => {
      const answer = await this.#ask({ op: "get", key, describe: describe && info === undefined }, signal);
      if (answer.info !== undefined) info = answer.info;
      if (info === null) throw notFound(key);
      return answer.request;
    });
    return download(this.#http, params, {
      request: ({ start, end, version }) =>
        this.#http.send(
          async () => {
            const signed = await url.get();
            return { ...signed, headers: { ...signed.headers, ...rangeHeaders(start, end, version) } };
          },
          { accept: [404, 412, 416], signal },
        ),
      describe: (headers) => ({
        key,
        sha256: null,
        mediaType: headers.get("content-type") ?? DEFAULT_MEDIA_TYPE,
        modifiedAtMs: Date.parse(headers.get("last-modified") ?? ""),
      }),
      versionOf: (headers) => headers.get("etag") ?? undefined,
      knows: async () => info ?? undefined,
    });
  }

  async head({ key, signal }: BlobParams): Promise<BlobInfo | null> {
    checkBlobKey(key);
    return (await this.#ask({ op: "head", key }, signal)).info;
  }

  async list({ prefix = "", signal, ...params }: ListParams = {}): Promise<BlobPage> {
    return (await this.#ask({ op: "list", prefix, ...params }, signal)).page;
  }

  async delete({ key, signal }: BlobParams): Promise<void> {
    checkBlobKey(key);
    await this.#ask({ op: "delete", key }, signal);
  }

  async signGet({ key, expiresInMs, signal }: SignGetParams): Promise<SignedRequest> {
    checkBlobKey(key);
    checkExpiry(this, expiresInMs, this.#http.clock);
    return (await this.#ask({ op: "get", key, expiresInMs }, signal)).request;
  }

  async signPut({ signal, ...params }: SignPutParams): Promise<SignedRequest> {
    checkBlobKey(params.key);
    checkExpiry(this, params.expiresInMs, this.#http.clock);
    return (await this.#ask({ op: "put", ...params }, signal)).request;
  }

  async #ask<Ask extends BlobAsk>(
    ask: Ask,
    signal: AbortSignal | undefined,
  ): Promise<BlobAnswers[Ask["op"]]> {
    return this.#calls.ask(ask, { lease: await this.#lease?.(), signal });
  }

  async #write(params: PutParams, ifAbsent: boolean): Promise<PutIfAbsentOutcome> {
    checkBlobKey(params.key);
    const content = await spool(params, this.capabilities.maxBlobBytes);
    try {
      return await this.#send(params, content, ifAbsent);
    } finally {
      await content.close();
    }
  }

  async #send(
    { key, mediaType, signal }: PutParams,
    content: Spooled,
    ifAbsent: boolean,
  ): Promise<PutIfAbsentOutcome> {
    const { sizeBytes, sha256 } = content;
    const put = { op: "put", key, sizeBytes, sha256, ifAbsent, ...(mediaType && { mediaType }) } as const;
    const url = new FreshUrl(this.#http.clock, this.capabilities.maxSignedMs, async () => {
      return (await this.#ask(put, signal)).request;
    });
    for (let nth = 1; ; nth++) {
      const make = async (): Promise<HttpRequest> => ({ ...(await url.get()), body: bodyOf(content) });
      const { response, isRepeated } = await this.#http.send(make, {
        accept: ifAbsent ? CONFLICT : [],
        signal,
      });
      if (response.ok) {
        await response.body?.cancel();
        return { outcome: "created", sizeBytes, sha256 };
      }
      const found = await this.head({ key, ...(signal && { signal }) });
      if (found !== null) {
        await response.body?.cancel();
        // After a lost reply it may be what the first try wrote.
        const isOurs = isRepeated && found.sha256 === sha256;
        return isOurs ? { outcome: "created", sizeBytes, sha256 } : { outcome: "exists" };
      }
      // Another writer was at it, and has not ended or has failed.
      if (response.status !== 409 || nth === this.#http.attempts) throw await this.#http.refuse(response);
      await response.body?.cancel();
      await this.#http.pause(nth, signal);
    }
  }
}

function bodyOf({ body, sizeBytes }: Spooled): NonNullable<HttpRequest["body"]> {
  const chunks = body();
  return chunks instanceof Uint8Array ? chunks : { chunks, sizeBytes };
}

function rangeHeaders(
  start: number,
  end: number | undefined,
  version: string | undefined,
): Record<string, string> {
  const isWhole = start === 0 && end === undefined;
  return {
    ...(!isWhole && { range: `bytes=${start}-${end === undefined ? "" : end - 1}` }),
    ...(version !== undefined && { "if-match": version }),
  };
}
