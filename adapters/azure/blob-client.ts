import { encodeKey, encodeSegment } from "../../src/core/uri.ts";
import {
  Http,
  type HttpOptions,
  type HttpReply,
  type HttpRequest,
  type Refusal,
  readText,
  type SendOptions,
} from "../http.ts";
import { xmlText } from "../xml.ts";
import { type AzureCredential, hmac, processIdentity, sharedKeyHeader, TokenCache } from "./credentials.ts";

export interface BlobClientOptions extends HttpOptions {
  readonly account: string;
  readonly container: string;
  /** Default `https://<account>.blob.core.windows.net`. */
  readonly endpoint?: string;
  /** Default the identity of this process. */
  readonly credential?: AzureCredential;
}

export interface BlobCall {
  readonly method: HttpRequest["method"];
  /** Default the container itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
}

/** The version of the service that is spoken: old enough for every sovereign cloud and emulator. */
const SERVICE_VERSION = "2022-11-02";
const CLOCK_SKEW_MS = 15 * 60_000;

/** Requests to one container, signed with the account's key or a token. */
export class BlobClient {
  readonly http: Http;
  readonly #account: string;
  readonly #container: string;
  readonly #endpoint: string;
  readonly #accountKey: string | undefined;
  readonly #tokens: TokenCache;

  constructor(options: BlobClientOptions) {
    const { account, container, credential = { identity: processIdentity() } } = options;
    this.#account = account;
    this.#container = container;
    this.#endpoint = (options.endpoint ?? `https://${account}.blob.core.windows.net`).replace(/\/+$/, "");
    this.http = new Http(`Azure container "${account}/${container}"`, readRefusal, options);
    this.#accountKey = "accountKey" in credential ? credential.accountKey : undefined;
    this.#tokens = new TokenCache("identity" in credential ? credential.identity : processIdentity());
  }

  send(call: BlobCall, options: SendOptions): Promise<HttpReply> {
    return this.http.send(async () => {
      const path = call.key === undefined ? this.#container : `${this.#container}/${encodeKey(call.key)}`;
      return this.#signed(call, `${this.#endpoint}/${path}${search(call.query ?? {})}`);
    }, options);
  }

  /** A URL for one blob: signed with the account's key, or with one that the service lends to the identity. */
  async presign(key: string, permissions: string, expiresAtMs: number): Promise<string> {
    const resource = `/blob/${this.#account}/${this.#container}/${key}`;
    const expiry = isoSeconds(expiresAtMs);
    const loan = this.#accountKey === undefined ? await this.#delegationKey(expiresAtMs) : undefined;
    const scheme = this.#endpoint.startsWith("http:") ? "https,http" : "https";
    // Who lent the key and to whom, or the name of a stored policy; both kinds go on with the address of the caller.
    const signer = loan === undefined ? [""] : [...Object.values(loan.fields), "", "", ""];
    const start = [permissions, "", expiry, resource, ...signer, "", scheme, SERVICE_VERSION, "b"];
    const text = [...start, ...Array<string>(7).fill("")].join("\n");
    const sig = hmac(loan?.key ?? this.#accountKey ?? "", text);
    const query = {
      sv: SERVICE_VERSION,
      spr: scheme,
      se: expiry,
      sr: "b",
      sp: permissions,
      ...loan?.fields,
      sig,
    };
    return `${this.#endpoint}/${this.#container}/${encodeKey(key)}${search(query)}`;
  }

  async #signed(call: BlobCall, url: string): Promise<HttpRequest> {
    const nowMs = this.http.clock.now();
    const headers: Record<string, string> = {
      ...call.headers,
      "x-ms-date": new Date(nowMs).toUTCString(),
      "x-ms-version": SERVICE_VERSION,
    };
    const body = typeof call.body === "string" ? new Uint8Array(Buffer.from(call.body)) : call.body;
    const bodyBytes = body?.byteLength ?? 0;
    headers.authorization =
      this.#accountKey === undefined
        ? `Bearer ${await this.#tokens.token(nowMs)}`
        : sharedKeyHeader(this.#account, this.#accountKey, {
            method: call.method,
            url: new URL(url),
            headers,
            bodyBytes,
          });
    return { method: call.method, url, headers, ...(body === undefined ? {} : { body }) };
  }

  async #delegationKey(expiresAtMs: number): Promise<{ key: string; fields: Record<string, string> }> {
    const start = isoSeconds(this.http.clock.now() - CLOCK_SKEW_MS);
    const body = `<KeyInfo><Start>${start}</Start><Expiry>${isoSeconds(expiresAtMs)}</Expiry></KeyInfo>`;
    const query = { restype: "service", comp: "userdelegationkey" };
    const headers = { "content-type": "application/xml" };
    const url = `${this.#endpoint}/${search(query)}`;
    const reply = await this.http.send(() => this.#signed({ method: "POST", headers, body }, url));
    const text = await readText(this.http, reply);
    const fields = Object.entries(LOAN_FIELDS).map(([name, element]) => [name, xmlText(text, element) ?? ""]);
    return { key: xmlText(text, "Value") ?? "", fields: Object.fromEntries(fields) };
  }
}

/** The parts of a lent key in the order in which they are signed: names in the URL and in the answer. */
const LOAN_FIELDS = {
  skoid: "SignedOid",
  sktid: "SignedTid",
  skt: "SignedStart",
  ske: "SignedExpiry",
  sks: "SignedService",
  skv: "SignedVersion",
};

function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}/, "");
}

function search(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeSegment(value)}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function readRefusal(response: Response, text: string): Refusal {
  return {
    code: response.headers.get("x-ms-error-code") ?? xmlText(text, "Code") ?? `HTTP ${response.status}`,
    message: (xmlText(text, "Message") ?? response.statusText).split("\n")[0] ?? "",
  };
}
