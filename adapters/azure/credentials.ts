import { createHmac } from "node:crypto";
import { GodwitError } from "../../src/core/errors.ts";
import { importPackage } from "../import-package.ts";

/** Gives tokens; the credentials of `@azure/identity` are such. */
export interface AzureTokenSource {
  getToken(scope: string): Promise<{ readonly token: string; readonly expiresOnTimestamp: number } | null>;
}

/** Who asks Azure: the key of the storage account, or an identity that gives tokens. */
export type AzureCredential = { readonly accountKey: string } | { readonly identity: AzureTokenSource };

const SCOPE = "https://storage.azure.com/.default";
const MARGIN_MS = 5 * 60_000;

/**
 * The identity of this process by Azure's own rules: environment, workload identity, managed identity, `az login`.
 * Needs the package `@azure/identity`.
 */
export function processIdentity(): AzureTokenSource {
  let credential: Promise<AzureTokenSource> | undefined;
  return {
    async getToken(scope) {
      credential ??= importPackage("@azure/identity", () => import("@azure/identity")).then(
        ({ DefaultAzureCredential }) => new DefaultAzureCredential(),
      );
      return (await credential).getToken(scope);
    },
  };
}

/** Bearer tokens, asked for again shortly before they end. */
export class TokenCache {
  readonly #source: AzureTokenSource;
  #last: { readonly token: string; readonly expiresOnTimestamp: number } | undefined;

  constructor(source: AzureTokenSource) {
    this.#source = source;
  }

  async token(nowMs: number): Promise<string> {
    if (this.#last === undefined || this.#last.expiresOnTimestamp - MARGIN_MS <= nowMs) {
      this.#last = (await this.#ask()) ?? undefined;
    }
    if (this.#last === undefined) throw new GodwitError("BLOB_ACCESS_DENIED", "Azure gave no token");
    return this.#last.token;
  }

  async #ask(): ReturnType<AzureTokenSource["getToken"]> {
    try {
      return await this.#source.getToken(SCOPE);
    } catch (error) {
      if (error instanceof GodwitError) throw error;
      const message = `this process has no Azure credentials: ${(error as Error).message}`;
      throw new GodwitError("BLOB_ACCESS_DENIED", message, { cause: error });
    }
  }
}

/** HMAC-SHA256 with a key in base64, in base64: how Azure signs. */
export function hmac(keyBase64: string, text: string): string {
  return createHmac("sha256", Buffer.from(keyBase64, "base64")).update(text).digest("base64");
}

export interface SharedKeyCall {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBytes: number;
}

/** The `Authorization` of a request that is signed with the account's key. */
export function sharedKeyHeader(account: string, accountKey: string, call: SharedKeyCall): string {
  const { method, url, headers, bodyBytes } = call;
  const plain = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
  ].map((name) =>
    name === "content-length" ? (bodyBytes === 0 ? "" : String(bodyBytes)) : (headers[name] ?? ""),
  );
  const own = Object.keys(headers)
    .filter((name) => name.startsWith("x-ms-"))
    .sort()
    .map((name) => `${name}:${headers[name]}`);
  const query = [...url.searchParams]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name.toLowerCase()}:${value}`);
  const resource = [`/${account}${url.pathname}`, ...query].join("\n");
  return `SharedKey ${account}:${hmac(accountKey, [method, ...plain, ...own, resource].join("\n"))}`;
}
