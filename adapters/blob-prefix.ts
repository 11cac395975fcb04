import { checkBlobKey } from "../src/core/uri.ts";
import type {
  BlobCapabilities,
  BlobInfo,
  BlobPage,
  BlobParams,
  BlobStore,
  GetParams,
  ListParams,
  OpenBlob,
  PutIfAbsentOutcome,
  PutParams,
  PutReceipt,
  SignedRequest,
  SignGetParams,
  SignPutParams,
} from "../src/ports/blobs.ts";

/**
 * The part of a store whose keys begin with a prefix, as a store of its own: it neither sees nor touches the rest.
 *
 * @param prefix ends in `/`
 * @example withPrefix(openS3Blobs({ bucket: "team-data" }), "godwit/")
 */
export function withPrefix(store: BlobStore, prefix: string): BlobStore {
  return prefix === "" ? store : new PrefixedBlobs(store, prefix);
}

class PrefixedBlobs implements BlobStore {
  readonly #store: BlobStore;
  readonly #prefix: string;

  constructor(store: BlobStore, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
  }

  get capabilities(): BlobCapabilities {
    return this.#store.capabilities;
  }

  uriOf(key: string): string {
    return this.#store.uriOf(this.#inner(key));
  }

  async put(params: PutParams): Promise<PutReceipt> {
    return this.#store.put({ ...params, key: this.#inner(params.key) });
  }

  async putIfAbsent(params: PutParams): Promise<PutIfAbsentOutcome> {
    return this.#store.putIfAbsent({ ...params, key: this.#inner(params.key) });
  }

  async get(params: GetParams): Promise<OpenBlob> {
    const found = await this.#store.get({ ...params, key: this.#inner(params.key) });
    return { ...found, info: this.#outer(found.info) };
  }

  async head(params: BlobParams): Promise<BlobInfo | null> {
    const info = await this.#store.head({ ...params, key: this.#inner(params.key) });
    return info === null ? null : this.#outer(info);
  }

  async list({ prefix = "", ...params }: ListParams = {}): Promise<BlobPage> {
    const { blobs, next } = await this.#store.list({ ...params, prefix: this.#prefix + prefix });
    return { blobs: blobs.map((blob) => this.#outer(blob)), next };
  }

  async delete(params: BlobParams): Promise<void> {
    await this.#store.delete({ ...params, key: this.#inner(params.key) });
  }

  async signGet(params: SignGetParams): Promise<SignedRequest> {
    return this.#store.signGet({ ...params, key: this.#inner(params.key) });
  }

  async signPut(params: SignPutParams): Promise<SignedRequest> {
    return this.#store.signPut({ ...params, key: this.#inner(params.key) });
  }

  /** Checked before it is joined: `../x` must not reach beyond the prefix. */
  #inner(key: string): string {
    return this.#prefix + checkBlobKey(key);
  }

  #outer<Named extends { readonly key: string }>(named: Named): Named {
    return { ...named, key: named.key.slice(this.#prefix.length) };
  }
}
