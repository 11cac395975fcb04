/**
 * Object storage: where files and large values are. A store is one folder, bucket or container.
 *
 * Every verb tries again on its own when the store throttles, resets or breaks, within a bounded budget, and fails
 * with a code of the error table: `BLOB_NOT_FOUND`, `BLOB_CHECKSUM_MISMATCH`, `BLOB_STORE_UNAVAILABLE` and the other
 * `BLOB_…` codes. A key that `checkBlobKey` refuses is refused by every verb. An aborted verb throws the signal's
 * reason and leaves nothing visible behind.
 */
export interface BlobStore {
  readonly capabilities: BlobCapabilities;
  /** The URI of a key in this store, for people and for other stores; no I/O. */
  uriOf(key: string): string;
  /** Writes a blob and replaces what was there. Readers see the old bytes or the new ones, never a mixture. */
  put(params: PutParams): Promise<PutReceipt>;
  /**
   * Writes a blob if there is none under the key. Of any number of writers exactly one gets `created`, also when
   * requests are sent again after a lost reply. The body may be left unread when the answer is `exists`.
   */
  putIfAbsent(params: PutParams): Promise<PutIfAbsentOutcome>;
  /**
   * Opens a blob. The body ends only after as many bytes as promised; a broken connection is resumed where it broke,
   * and a blob that is read whole is held against its SHA-256 when that is known.
   */
  get(params: GetParams): Promise<OpenBlob>;
  /** What is known about a blob without reading it, or null when there is none. */
  head(params: BlobParams): Promise<BlobInfo | null>;
  /** One page of keys that begin with the prefix. Pages do not overlap, and what is there throughout is listed once. */
  list(params?: ListParams): Promise<BlobPage>;
  /** Deletes a blob; deleting what is not there is fine. */
  delete(params: BlobParams): Promise<void>;
  /** A URL that reads the blob without credentials until it expires. */
  signGet(params: SignGetParams): Promise<SignedRequest>;
  /** A URL that writes these bytes without credentials; `capabilities.signedPut` says what the store enforces. */
  signPut(params: SignPutParams): Promise<SignedRequest>;
}

/** What a store can do, as data, so that nobody asks for the name of a cloud. */
export interface BlobCapabilities {
  readonly scheme: "file" | "s3" | "gs" | "az";
  /** The largest blob, in bytes, when its size is told beforehand. */
  readonly maxBlobBytes: number;
  /** The largest blob of a stream whose size is not told beforehand. */
  readonly maxStreamBytes: number;
  /** Which blobs written here know their SHA-256: all, or all but large streams whose hash was not told beforehand. */
  readonly knowsSha256: "always" | "unless-streamed";
  /** Whether there may be both a blob `a` and a blob `a/b`. */
  readonly canNestKeys: boolean;
  /** Whether `list` returns keys in the order of their UTF-8 bytes. */
  readonly isListSorted: boolean;
  /** How long a signed URL may last; 0 where URLs cannot be signed. */
  readonly maxSignedMs: number;
  /** What a signed PUT enforces by itself. What it does not is found when the blob is read. */
  readonly signedPut: {
    readonly limitsSize: boolean;
    readonly checksSha256: boolean;
    readonly refusesOverwrite: boolean;
    /** The largest blob that one signed PUT can write, in bytes. */
    readonly maxBytes: number;
  };
}

export interface BlobParams {
  readonly key: string;
  readonly signal?: AbortSignal;
}

/**
 * Bytes to write: at once, or as they come. A `ReadableStream` is an async iterable; a {@link RepeatableSource} can be
 * sent again without being kept anywhere.
 */
export type BlobSource = Uint8Array | AsyncIterable<Uint8Array> | RepeatableSource;

/** A source that gives the same bytes each time it is iterated, such as a file. */
export interface RepeatableSource extends AsyncIterable<Uint8Array> {
  readonly isRepeatable: true;
}

export interface PutParams extends BlobParams {
  readonly body: BlobSource;
  /** SHA-256 of the bytes in hex. Other bytes are refused with `BLOB_CHECKSUM_MISMATCH`. */
  readonly sha256?: string;
  /** Their number. Another number is refused with `BLOB_CHECKSUM_MISMATCH`. */
  readonly sizeBytes?: number;
  /** Default `application/octet-stream`. */
  readonly mediaType?: string;
}

export interface PutReceipt {
  readonly sizeBytes: number;
  readonly sha256: string;
}

export type PutIfAbsentOutcome =
  | ({ readonly outcome: "created" } & PutReceipt)
  | { readonly outcome: "exists" };

export interface GetParams extends BlobParams {
  /** Part of the blob; a length beyond the end is cut. */
  readonly range?: BlobRange;
  /** The SHA-256 the whole blob must have; default what the store knows. Not used with a range. */
  readonly sha256?: string;
}

export interface BlobRange {
  /** From 0; less than the size of the blob. */
  readonly offset: number;
  /** At least 1. Default to the end. */
  readonly length?: number;
}

export interface BlobInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** In hex; null when the store does not know it. */
  readonly sha256: string | null;
  readonly mediaType: string;
  readonly modifiedAtMs: number;
}

export interface OpenBlob {
  /** Of the whole blob, also when a range was asked for. */
  readonly info: BlobInfo;
  /** The first byte of the body, and one after its last. */
  readonly start: number;
  readonly end: number;
  /** Read it to its end or cancel it: it holds a connection. */
  readonly body: ReadableStream<Uint8Array>;
}

export interface ListParams {
  /** Any text, not only whole segments. Default everything. */
  readonly prefix?: string;
  /** Default and maximum 1,000. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
  readonly signal?: AbortSignal;
}

export interface BlobPage {
  readonly blobs: readonly ListedBlob[];
  /** Null on the last page. */
  readonly next: string | null;
}

export interface ListedBlob {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

export interface SignGetParams extends BlobParams {
  readonly expiresInMs: number;
}

export interface SignPutParams extends BlobParams {
  readonly expiresInMs: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly mediaType?: string;
  /** Default false: the URL may be used again, for the same bytes. */
  readonly ifAbsent?: boolean;
}

/** A request for any HTTP client. Send every header as it is, and the exact bytes. */
export interface SignedRequest {
  readonly method: "GET" | "PUT";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAtMs: number;
}

/** The media type of a blob nobody described. */
export const DEFAULT_MEDIA_TYPE = "application/octet-stream";

/** The most keys on one page. */
export const MAX_PAGE_KEYS = 1000;
