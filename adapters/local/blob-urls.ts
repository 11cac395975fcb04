import { createHmac, timingSafeEqual } from "node:crypto";
import { checkBlobKey, encodeKey } from "../../src/core/uri.ts";

/** What a signed URL of a folder allows. */
export interface LocalUrlClaims {
  readonly method: "GET" | "PUT";
  readonly key: string;
  readonly expiresAtMs: number;
  /** For PUT: exactly these bytes. */
  readonly sizeBytes?: number;
  readonly sha256?: string;
  readonly mediaType?: string;
  readonly ifAbsent?: boolean;
}

export interface LocalUrlSigning {
  /** Where the blobs are served, for example `https://godwit.example.com/v1/blobs`. */
  readonly baseUrl: string;
  /** Shared by all who sign and serve. */
  readonly secret: string;
}

export type LocalUrlCheck =
  | { readonly outcome: "valid"; readonly claims: LocalUrlClaims }
  | { readonly outcome: "expired" | "forged" };

/**
 * A URL that allows one thing for a while. It carries its claims in the open and an HMAC over them.
 *
 * @example signLocalUrl({ method: "GET", key: "a.csv", expiresAtMs: now + 60_000 }, signing)
 */
export function signLocalUrl(claims: LocalUrlClaims, { baseUrl, secret }: LocalUrlSigning): string {
  const url = new URL(`${baseUrl.replace(/\/+$/, "")}/${encodeKey(checkBlobKey(claims.key))}`);
  for (const [name, value] of Object.entries(toQuery(claims))) url.searchParams.set(name, value);
  url.searchParams.set("signature", sign(claims, secret));
  return url.href;
}

/** What a request under a signed URL may do. The method counts: a URL to read does not write. */
export function verifyLocalUrl(
  request: { readonly method: string; readonly url: string },
  { baseUrl, secret }: LocalUrlSigning,
  nowMs: number,
): LocalUrlCheck {
  const url = new URL(request.url);
  const claims = readClaims(url, new URL(baseUrl).pathname.replace(/\/+$/, ""));
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (claims === undefined || claims.method !== (isRead ? "GET" : request.method))
    return { outcome: "forged" };
  const given = Buffer.from(url.searchParams.get("signature") ?? "");
  const expected = Buffer.from(sign(claims, secret));
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return { outcome: "forged" };
  return claims.expiresAtMs > nowMs ? { outcome: "valid", claims } : { outcome: "expired" };
}

function sign(claims: LocalUrlClaims, secret: string): string {
  const text = JSON.stringify(["godwit blob url", claims.key, Object.entries(toQuery(claims)).sort()]);
  return createHmac("sha256", secret).update(text).digest("base64url");
}

function toQuery(claims: LocalUrlClaims): Record<string, string> {
  return {
    method: claims.method,
    expires: String(claims.expiresAtMs),
    ...(claims.sizeBytes === undefined ? {} : { size: String(claims.sizeBytes) }),
    ...(claims.sha256 === undefined ? {} : { sha256: claims.sha256 }),
    ...(claims.mediaType === undefined ? {} : { type: claims.mediaType }),
    ...(claims.ifAbsent === true ? { absent: "1" } : {}),
  };
}

function readClaims(url: URL, root: string): LocalUrlClaims | undefined {
  const query = url.searchParams;
  const method = query.get("method");
  const size = query.get("size");
  const sha256 = query.get("sha256");
  const mediaType = query.get("type");
  if (!url.pathname.startsWith(`${root}/`) || (method !== "GET" && method !== "PUT")) return undefined;
  try {
    return {
      method,
      key: checkBlobKey(decodeURIComponent(url.pathname.slice(root.length + 1))),
      expiresAtMs: Number(query.get("expires")),
      ...(size === null ? {} : { sizeBytes: Number(size) }),
      ...(sha256 === null ? {} : { sha256 }),
      ...(mediaType === null ? {} : { mediaType }),
      ...(query.get("absent") === "1" ? { ifAbsent: true } : {}),
    };
  } catch {
    return undefined;
  }
}
