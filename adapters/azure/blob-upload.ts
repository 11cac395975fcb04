import { createHash } from "node:crypto";
import { GodwitError } from "../../src/core/errors.ts";
import { DEFAULT_MEDIA_TYPE, type PutParams, type PutReceipt } from "../../src/ports/blobs.ts";
import type { Part } from "../blob-source.ts";
import { settleConflict, type Uploader, type UploadSession, type WriteOutcome } from "../blob-upload.ts";
import type { HttpReply } from "../http.ts";
import type { BlobClient } from "./blob-client.ts";

export interface AzureUploadPlan {
  readonly params: PutParams;
  readonly ifAbsent: boolean;
  readonly mark: string;
}

export const SHA256_HEADER = "x-ms-meta-sha256";
const MARK_HEADER = "x-ms-meta-godwitput";
const EXISTS: ReadonlySet<string> = new Set([
  "BlobAlreadyExists",
  "ConditionNotMet",
  "TargetConditionNotMet",
]);

/** How Azure takes a blob: Put Blob, or blocks that Put Block List makes visible; unlisted blocks fade by themselves. */
export class AzureUpload implements Uploader<WriteOutcome, string> {
  readonly #client: BlobClient;
  readonly #plan: AzureUploadPlan;

  constructor(client: BlobClient, plan: AzureUploadPlan) {
    this.#client = client;
    this.#plan = plan;
  }

  async whole(bytes: Uint8Array<ArrayBuffer>, receipt: PutReceipt): Promise<WriteOutcome> {
    const mediaType = this.#plan.params.mediaType ?? DEFAULT_MEDIA_TYPE;
    const headers = { "x-ms-blob-type": "BlockBlob", "content-type": mediaType, "content-md5": md5(bytes) };
    return this.#commit({ query: {}, headers, body: bytes }, receipt);
  }

  async begin(): Promise<UploadSession<WriteOutcome, string> | { readonly outcome: WriteOutcome }> {
    // Nothing but the end is conditional, so a look first spares sending what nobody will see.
    if (this.#plan.ifAbsent && (await this.#markOf()) !== undefined) return { outcome: "exists" };
    return {
      part: (part, index, signal) => this.#block(part, index, signal),
      commit: (ids, receipt) => this.#commitBlocks(ids, receipt),
      abort: async () => undefined,
    };
  }

  async #block({ bytes }: Part, index: number, signal: AbortSignal): Promise<string> {
    // All ids of one blob have the same length, and writers of the same blob must not share any.
    const id = Buffer.from(`${this.#plan.mark}-${String(index).padStart(6, "0")}`).toString("base64");
    const { response } = await this.#client.send(
      {
        method: "PUT",
        key: this.#plan.params.key,
        query: { comp: "block", blockid: id },
        headers: { "content-md5": md5(bytes), "content-type": DEFAULT_MEDIA_TYPE },
        body: bytes,
      },
      { signal },
    );
    await response.body?.cancel();
    return id;
  }

  #commitBlocks(ids: readonly string[], receipt: PutReceipt): Promise<WriteOutcome> {
    const blocks = ids.map((id) => `<Latest>${id}</Latest>`).join("");
    const body = `<?xml version="1.0" encoding="utf-8"?><BlockList>${blocks}</BlockList>`;
    const headers = {
      "content-type": "application/xml",
      "x-ms-blob-content-type": this.#plan.params.mediaType ?? DEFAULT_MEDIA_TYPE,
    };
    return this.#commit({ query: { comp: "blocklist" }, headers, body }, receipt);
  }

  /** Sends the request that makes the blob visible. */
  async #commit(
    call: {
      query: Record<string, string>;
      headers: Record<string, string>;
      body: string | Uint8Array<ArrayBuffer>;
    },
    { sha256 }: PutReceipt,
  ): Promise<WriteOutcome> {
    const { params, ifAbsent, mark } = this.#plan;
    const headers = {
      ...call.headers,
      [SHA256_HEADER]: sha256,
      [MARK_HEADER]: mark,
      ...(ifAbsent ? { "if-none-match": "*" } : {}),
    };
    const accept = call.query.comp === undefined ? [409, 412] : [400, 409, 412];
    const reply = await this.#client.send(
      { ...call, method: "PUT", key: params.key, headers },
      { accept, signal: params.signal },
    );
    if (!reply.response.ok) return this.#settle(reply);
    await reply.response.body?.cancel();
    return "created";
  }

  async #settle(reply: HttpReply): Promise<WriteOutcome> {
    const { ifAbsent, mark, params } = this.#plan;
    const code = reply.response.headers.get("x-ms-error-code") ?? "";
    const isOurs = async (): Promise<boolean> => (await this.#markOf()) === mark;
    if (ifAbsent && EXISTS.has(code)) return settleConflict(reply, isOurs);
    // Whoever commits the same blob first takes away the blocks that others have not committed.
    if (code === "InvalidBlockList") {
      const found = await this.#markOf();
      if (found === mark) return "created";
      if (ifAbsent && found !== undefined) return "exists";
      throw new GodwitError("BLOB_CHANGED", `another writer replaced "${params.key}" during the upload`);
    }
    throw await this.#client.http.refuse(reply.response);
  }

  /** The mark of the blob that is there, or undefined when there is none. */
  async #markOf(): Promise<string | undefined> {
    const { key, signal } = this.#plan.params;
    const { response } = await this.#client.send({ method: "HEAD", key }, { accept: [404], signal });
    return response.status === 404 ? undefined : (response.headers.get(MARK_HEADER) ?? "");
  }
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}
