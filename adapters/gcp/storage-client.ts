import { createHash } from "node:crypto";
import { GodwitError } from "../../src/core/errors.ts";
import { encodeKey, encodeSegment } from "../../src/core/uri.ts";
import {
  Http,
  type HttpOptions,
  type HttpReply,
  type HttpRequest,
  type Refusal,
  type SendOptions,
} from "../http.ts";
import { type GcpIdentity, processIdentity } from "./credentials.ts";

export interface StorageOptions extends HttpOptions {
  readonly bucket: string;
  /** Default `https://storage.googleapis.com`. */
  readonly endpoint?: string;
  /** Default the identity of this process. */
  readonly identity?: GcpIdentity;
}

/** Requests to one bucket with a token of the identity. */
export class StorageClient {
  readonly http: Http;
  readonly #bucket: string;
  readonly #endpoint: string;
  readonly #identity: GcpIdentity;

  constructor(options: StorageOptions) {
    this.#bucket = options.bucket;
    this.#endpoint = (options.endpoint ?? "https://storage.googleapis.com").replace(/\/+$/, "");
    this.http = new Http(`GCS bucket "${options.bucket}"`, readRefusal, options);
    this.#identity = options.identity ?? processIdentity();
  }

  objectUrl(key: string, query: Readonly<Record<string, string>> = {}): string {
    return `${this.bucketUrl()}/${encodeSegment(key)}${search(query)}`;
  }

  bucketUrl(query: Readonly<Record<string, string>> = {}): string {
    return `${this.#endpoint}/storage/v1/b/${this.#bucket}/o${search(query)}`;
  }

  uploadUrl(query: Readonly<Record<string, string>>): string {
    return `${this.#endpoint}/upload/storage/v1/b/${this.#bucket}/o${search(query)}`;
  }

  send(call: HttpRequest, options: SendOptions): Promise<HttpReply> {
    return this.http.send(async () => {
      const authorization = `Bearer ${await this.#token()}`;
      return { ...call, headers: { ...call.headers, authorization } };
    }, options);
  }

  /** A V4 signed URL of the XML API, which is the one that signed URLs speak. */
  async presign(
    call: { method: "GET" | "PUT"; key: string; headers: Record<string, string> },
    expiresInMs: number,
  ): Promise<string> {
    const time = new Date(this.http.clock.now()).toISOString().replace(/[:-]|\.\d{3}/g, "");
    const scope = `${time.slice(0, 8)}/auto/storage/goog4_request`;
    const root = new URL(this.#endpoint);
    const headers = Object.entries({ ...call.headers, host: root.host }).sort(([a], [b]) => (a < b ? -1 : 1));
    const names = headers.map(([name]) => name).join(";");
    const query = search({
      "X-Goog-Algorithm": "GOOG4-RSA-SHA256",
      "X-Goog-Credential": `${await this.#identity.email()}/${scope}`,
      "X-Goog-Date": time,
      "X-Goog-Expires": String(Math.ceil(expiresInMs / 1000)),
      "X-Goog-SignedHeaders": names,
    });
    const path = `/${this.#bucket}/${encodeKey(call.key)}`;
    const lines = headers.map(([name, value]) => `${name}:${value}\n`).join("");
    const canonical = [call.method, path, query.slice(1), lines, names, "UNSIGNED-PAYLOAD"].join("\n");
    const digest = createHash("sha256").update(canonical).digest("hex");
    const signature = await this.#identity.sign(["GOOG4-RSA-SHA256", time, scope, digest].join("\n"));
    return `${this.#endpoint}${path}${query}&X-Goog-Signature=${Buffer.from(signature, "base64").toString("hex")}`;
  }

  async #token(): Promise<string> {
    try {
      return await this.#identity.token();
    } catch (error) {
      if (error instanceof GodwitError) throw error;
      const message = `this process has no Google credentials: ${(error as Error).message}`;
      throw new GodwitError("BLOB_ACCESS_DENIED", message, { cause: error });
    }
  }
}

function search(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeSegment(value)}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function readRefusal(response: Response, text: string): Refusal {
  try {
    const { error } = JSON.parse(text) as { error: { message: string; errors?: { reason: string }[] } };
    return { code: error.errors?.[0]?.reason ?? `HTTP ${response.status}`, message: error.message };
  } catch {
    return { code: `HTTP ${response.status}`, message: text.slice(0, 200) || response.statusText };
  }
}
