import { createHash, type Hash } from "node:crypto";
import { DEFAULT_MEDIA_TYPE, type PutParams, type PutReceipt } from "../../src/ports/blobs.ts";
import { mismatch, type Part } from "../blob-source.ts";
import { settleConflict, type Uploader, type UploadSession, type WriteOutcome } from "../blob-upload.ts";
import { type HttpReply, readText } from "../http.ts";
import type { StorageClient } from "./storage-client.ts";

export interface GcsUploadPlan {
  readonly params: PutParams;
  readonly ifAbsent: boolean;
  readonly mark: string;
}

/** What the JSON API says of an object, as far as it is asked for here. */
export interface GcsObject {
  readonly name: string;
  readonly size: string;
  readonly updated: string;
  readonly generation: string;
  readonly contentType?: string;
  readonly md5Hash?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** How GCS takes a blob: one request, or a resumable session whose last piece makes it visible. */
export class GcsUpload implements Uploader<WriteOutcome, HttpReply | undefined> {
  readonly #client: StorageClient;
  readonly #plan: GcsUploadPlan;
  readonly #md5: Hash = createHash("md5");

  constructor(client: StorageClient, plan: GcsUploadPlan) {
    this.#client = client;
    this.#plan = plan;
  }

  async whole(bytes: Uint8Array<ArrayBuffer>, receipt: PutReceipt): Promise<WriteOutcome> {
    const md5Hash = this.#md5.update(bytes).digest("base64");
    const resource = JSON.stringify({ ...this.#describe(receipt.sha256), md5Hash });
    const boundary = `godwit-${this.#plan.mark}`;
    const mediaType = this.#plan.params.mediaType ?? DEFAULT_MEDIA_TYPE;
    const head =
      `--${boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n${resource}\r\n` +
      `--${boundary}\r\nContent-Type: ${mediaType}\r\n\r\n`;
    const body = new Uint8Array(
      Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--`)]),
    );
    const reply = await this.#client.send(
      {
        method: "POST",
        url: this.#client.uploadUrl({ uploadType: "multipart", ...this.#condition() }),
        headers: { "content-type": `multipart/related; boundary=${boundary}` },
        body,
      },
      { accept: [412], signal: this.#plan.params.signal },
    );
    return this.#settle(reply, md5Hash);
  }

  async begin(): Promise<
    UploadSession<WriteOutcome, HttpReply | undefined> | { readonly outcome: WriteOutcome }
  > {
    const { params } = this.#plan;
    const { response } = await this.#client.send(
      {
        method: "POST",
        url: this.#client.uploadUrl({ uploadType: "resumable", ...this.#condition() }),
        headers: { "content-type": "application/json; charset=UTF-8" },
        body: JSON.stringify(this.#describe(params.sha256)),
      },
      { accept: [412], signal: params.signal },
    );
    await response.body?.cancel();
    if (response.status === 412) return { outcome: "exists" };
    const url = response.headers.get("location") ?? "";
    let md5 = "";
    return {
      part: (part, _index, signal) => {
        this.#md5.update(part.bytes);
        if (part.isLast) md5 = this.#md5.digest("base64");
        return this.#piece(url, part, { md5, signal });
      },
      commit: async (replies) => {
        const last = replies.at(-1);
        if (last === undefined) throw new Error("the last piece of an upload is answered with the object");
        return this.#settle(last, md5);
      },
      abort: async () => {
        await this.#client.send({ method: "DELETE", url }, { accept: [404, 410, 499] });
      },
    };
  }

  /** Sends one piece until the server has all of it; it may take less than was sent. */
  async #piece(
    url: string,
    part: Part,
    { md5, signal }: { md5: string; signal: AbortSignal },
  ): Promise<HttpReply | undefined> {
    const end = part.offset + part.bytes.byteLength;
    let from = part.offset;
    for (let attempt = 1; ; attempt++) {
      const span = from === end ? "*" : `${from}-${end - 1}`;
      const headers = {
        "content-range": `bytes ${span}/${part.isLast ? end : "*"}`,
        ...(part.isLast ? { "x-goog-hash": `md5=${md5}` } : {}),
      };
      const body = part.bytes.subarray(from - part.offset);
      const reply = await this.#client.send(
        { method: "PUT", url, headers, body },
        { accept: [308, 412], signal },
      );
      if (reply.response.status !== 308) return reply;
      await reply.response.body?.cancel();
      const had = from;
      from = Number(/-(\d+)$/.exec(reply.response.headers.get("range") ?? "")?.[1] ?? -1) + 1;
      if (from === end && !part.isLast) return undefined;
      const isLost = from < part.offset || from > end;
      if (isLost || (from <= had && attempt >= this.#client.http.attempts)) {
        throw this.#client.http.unavailable({ reason: `it has ${from} bytes of ${end}` }, attempt);
      }
      if (from <= had) await this.#client.http.pause(attempt, signal);
    }
  }

  async #settle(reply: HttpReply, md5: string): Promise<WriteOutcome> {
    if (reply.response.status === 412) return settleConflict(reply, () => this.#isOurs());
    const text = await readText(this.#client.http, reply, this.#plan.params.signal);
    const { md5Hash, generation } = JSON.parse(text) as GcsObject;
    if (md5Hash === undefined || md5Hash === md5) return "created";
    // Only a server that ignores the checksum gets here; what it stored may not stay.
    const { key } = this.#plan.params;
    const url = this.#client.objectUrl(key, { ifGenerationMatch: generation });
    await this.#client.send({ method: "DELETE", url }, { accept: [404, 412] });
    throw mismatch(key, `arrived with the MD5 ${md5Hash}, not ${md5}`);
  }

  async #isOurs(): Promise<boolean> {
    const { key, signal } = this.#plan.params;
    const reply = await this.#client.send(
      { method: "GET", url: this.#client.objectUrl(key) },
      { accept: [404], signal },
    );
    const text = await readText(this.#client.http, reply, signal);
    return reply.response.ok && (JSON.parse(text) as GcsObject).metadata?.["godwit-put"] === this.#plan.mark;
  }

  #describe(sha256: string | undefined): Record<string, unknown> {
    const { key, mediaType } = this.#plan.params;
    return {
      name: key,
      contentType: mediaType ?? DEFAULT_MEDIA_TYPE,
      metadata: {
        "godwit-put": this.#plan.mark,
        ...(sha256 === undefined ? {} : { sha256: sha256.toLowerCase() }),
      },
    };
  }

  #condition(): Record<string, string> {
    return this.#plan.ifAbsent ? { ifGenerationMatch: "0" } : {};
  }
}
