import { createHash } from "node:crypto";
import type { PutParams, PutReceipt } from "../../src/ports/blobs.ts";
import { DEFAULT_MEDIA_TYPE } from "../../src/ports/blobs.ts";
import type { Part } from "../blob-source.ts";
import { settleConflict, type Uploader, type UploadSession, type WriteOutcome } from "../blob-upload.ts";
import { type HttpReply, readText } from "../http.ts";
import { escapeXml, xmlText } from "../xml.ts";
import type { S3Client } from "./s3-client.ts";

export interface S3UploadPlan {
  readonly params: PutParams;
  readonly ifAbsent: boolean;
  /** In the blob's metadata: tells our blob from another writer's. */
  readonly mark: string;
}

export interface S3Part {
  readonly etag: string;
  readonly checksum: string;
}

export const SHA256_HEADER = "x-amz-meta-sha256";
export const MARK_HEADER = "x-amz-meta-godwit-put";

/** How S3 takes a blob: PutObject, or a multipart upload whose completion is the conditional write. */
export class S3Upload implements Uploader<WriteOutcome, S3Part> {
  readonly #client: S3Client;
  readonly #plan: S3UploadPlan;

  constructor(client: S3Client, plan: S3UploadPlan) {
    this.#client = client;
    this.#plan = plan;
  }

  async whole(bytes: Uint8Array<ArrayBuffer>, receipt: PutReceipt): Promise<WriteOutcome> {
    const { key, signal } = this.#plan.params;
    const headers = {
      ...this.#describe(receipt.sha256),
      ...this.#condition(),
      "x-amz-checksum-sha256": Buffer.from(receipt.sha256, "hex").toString("base64"),
    };
    return this.#conditionally(() =>
      this.#client.send(
        { method: "PUT", key, headers, body: bytes, sha256: receipt.sha256 },
        { accept: [409, 412], signal },
      ),
    );
  }

  async begin(): Promise<UploadSession<WriteOutcome, S3Part> | { readonly outcome: WriteOutcome }> {
    const { params, ifAbsent } = this.#plan;
    const { key, signal } = params;
    // Nothing but the end is conditional, so a look first spares sending what nobody will see.
    if (ifAbsent && (await this.#markOf()) !== undefined) return { outcome: "exists" };
    const headers = { ...this.#describe(params.sha256), "x-amz-checksum-algorithm": "SHA256" };
    const reply = await this.#client.send(
      { method: "POST", key, query: { uploads: "" }, headers },
      { signal },
    );
    const uploadId = xmlText(await readText(this.#client.http, reply, signal), "UploadId") ?? "";
    return {
      part: (part, index, signals) => this.#part(uploadId, part, index, signals),
      commit: (parts) => this.#conditionally(() => this.#complete(uploadId, parts)),
      abort: async () => {
        await this.#client.send({ method: "DELETE", key, query: { uploadId } }, { accept: [404] });
      },
    };
  }

  async #part(uploadId: string, part: Part, index: number, signal: AbortSignal): Promise<S3Part> {
    const { key } = this.#plan.params;
    const digest = createHash("sha256").update(part.bytes).digest();
    const checksum = digest.toString("base64");
    const { response } = await this.#client.send(
      {
        method: "PUT",
        key,
        query: { partNumber: String(index + 1), uploadId },
        headers: { "x-amz-checksum-sha256": checksum },
        body: part.bytes,
        sha256: digest.toString("hex"),
      },
      { signal },
    );
    await response.body?.cancel();
    return { etag: response.headers.get("etag") ?? "", checksum };
  }

  #complete(uploadId: string, parts: readonly S3Part[]): Promise<HttpReply> {
    const { key, signal } = this.#plan.params;
    const list = parts.map(
      ({ etag, checksum }, index) =>
        `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag>` +
        `<ChecksumSHA256>${checksum}</ChecksumSHA256></Part>`,
    );
    const body =
      '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
      `${list.join("")}</CompleteMultipartUpload>`;
    const sha256 = createHash("sha256").update(body).digest("hex");
    const headers = { ...this.#condition(), "content-type": "application/xml" };
    return this.#client.send(
      { method: "POST", key, query: { uploadId }, headers, body, sha256 },
      { accept: [404, 409, 412], signal },
    );
  }

  /** Sends a write until it is decided: S3 says 409 while another conditional write of the same key goes on. */
  async #conditionally(send: () => Promise<HttpReply>): Promise<WriteOutcome> {
    const { http } = this.#client;
    const isOurs = async (): Promise<boolean> => (await this.#markOf()) === this.#plan.mark;
    for (let attempt = 1; ; attempt++) {
      const reply = await send();
      const { status } = reply.response;
      if (status === 412) return settleConflict(reply, isOurs);
      const text = await readText(http, reply, this.#plan.params.signal);
      // A completion that fails late is a 200 with an error inside.
      const code = xmlText(text, "Error") === undefined ? undefined : xmlText(text, "Code");
      if (status < 300 && code === undefined) return "created";
      // The upload is gone when an earlier completion got through and its reply did not.
      if (code === "NoSuchUpload" && (await isOurs())) return "created";
      if (status === 404 || attempt >= http.attempts) {
        throw await http.refuse(new Response(text, { status: status < 300 ? 500 : status }));
      }
      if (status === 409 && this.#plan.ifAbsent && (await this.#markOf()) !== undefined) {
        return (await isOurs()) ? "created" : "exists";
      }
      await http.pause(attempt, this.#plan.params.signal);
    }
  }

  /** The mark of the blob that is there, or undefined when there is none. */
  async #markOf(): Promise<string | undefined> {
    const { key, signal } = this.#plan.params;
    const { response } = await this.#client.send({ method: "HEAD", key }, { accept: [404], signal });
    return response.status === 404 ? undefined : (response.headers.get(MARK_HEADER) ?? "");
  }

  #describe(sha256: string | undefined): Record<string, string> {
    return {
      "content-type": this.#plan.params.mediaType ?? DEFAULT_MEDIA_TYPE,
      [MARK_HEADER]: this.#plan.mark,
      ...(sha256 === undefined ? {} : { [SHA256_HEADER]: sha256.toLowerCase() }),
    };
  }

  #condition(): Record<string, string> {
    return this.#plan.ifAbsent ? { "if-none-match": "*" } : {};
  }
}
