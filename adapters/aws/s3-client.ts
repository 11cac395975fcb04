import { encodeKey, encodeSegment } from "../../src/core/uri.ts";
import {
  Http,
  type HttpOptions,
  type HttpReply,
  type HttpRequest,
  type Refusal,
  type SendOptions,
} from "../http.ts";
import { importPackage } from "../import-package.ts";
import { xmlText } from "../xml.ts";
import { type AwsCredentialSource, type AwsCredentials, cached, processCredentials } from "./credentials.ts";

export interface S3Options extends HttpOptions {
  readonly bucket: string;
  /** Default `AWS_REGION`, else us-east-1. */
  readonly region?: string;
  /** Of an S3-compatible store; default `AWS_ENDPOINT_URL_S3`, else AWS. */
  readonly endpoint?: string;
  /** Default the credentials of this process. */
  readonly credentials?: AwsCredentialSource;
}

export interface S3Call {
  readonly method: HttpRequest["method"];
  /** Default the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpRequest["body"];
  /** SHA-256 of the body in hex; default that of nothing. */
  readonly sha256?: string;
}

const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Signed requests to one bucket. */
export class S3Client {
  readonly http: Http;
  readonly #root: string;
  readonly #region: string;
  readonly #credentials: AwsCredentialSource;
  readonly #keys: Map<string, ArrayBuffer> = new Map();

  constructor(options: S3Options) {
    this.#region = options.region ?? (process.env.AWS_REGION || "us-east-1");
    this.#root = rootOf(options, this.#region);
    this.http = new Http(`S3 bucket "${options.bucket}"`, readRefusal, options);
    this.#credentials = cached(options.credentials ?? processCredentials(), () => this.http.clock.now());
  }

  async send(call: S3Call, options: SendOptions): Promise<HttpReply> {
    return this.http.send(async () => {
      const headers = { ...call.headers, "x-amz-content-sha256": call.sha256 ?? EMPTY_SHA256 };
      const signed = await this.#sign({ ...call, headers }, false);
      const body = call.body === undefined ? {} : { body: call.body };
      return { method: call.method, url: signed.url, headers: signed.headers, ...body };
    }, options);
  }

  /** A URL that carries the signature of the call, its headers included. */
  async presign(call: S3Call, expiresInMs: number): Promise<string> {
    const query = { ...call.query, "X-Amz-Expires": String(Math.ceil(expiresInMs / 1000)) };
    return (await this.#sign({ ...call, query }, true)).url;
  }

  async #sign(call: S3Call, signQuery: boolean): Promise<{ url: string; headers: Record<string, string> }> {
    const { AwsV4Signer } = await importPackage("aws4fetch", () => import("aws4fetch"));
    const { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials = await this.#credentials();
    const signer = new AwsV4Signer({
      method: call.method,
      url: this.#urlOf(call),
      headers: { ...call.headers },
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: "s3",
      region: this.#region,
      cache: this.#keys,
      datetime: new Date(this.http.clock.now()).toISOString().replace(/[:-]|\.\d{3}/g, ""),
      signQuery,
      allHeaders: signQuery,
    });
    const signed = await signer.sign();
    return { url: signed.url.href, headers: Object.fromEntries(signed.headers) };
  }

  #urlOf({ key, query = {} }: S3Call): string {
    const search = Object.entries(query).map(([name, value]) => `${name}=${encodeSegment(value)}`);
    const path = key === undefined ? "" : encodeKey(key);
    return `${this.#root}/${path}${search.length === 0 ? "" : `?${search.join("&")}`}`;
  }
}

function rootOf({ bucket, endpoint = process.env.AWS_ENDPOINT_URL_S3 }: S3Options, region: string): string {
  if (endpoint) return `${endpoint.replace(/\/+$/, "")}/${bucket}`;
  const host = `s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  // A bucket with dots has no certificate as a host name.
  return bucket.includes(".") ? `https://${host}/${bucket}` : `https://${bucket}.${host}`;
}

function readRefusal(response: Response, text: string): Refusal {
  const where = response.headers.get("x-amz-bucket-region");
  const message = xmlText(text, "Message") ?? response.statusText;
  return {
    code: xmlText(text, "Code") ?? `HTTP ${response.status}`,
    message: response.status === 301 && where !== null ? `${message} (the bucket is in ${where})` : message,
  };
}
