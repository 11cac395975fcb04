import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface S3Account {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

/** Checks a request as S3 does; written from the specification and not from the client. Undefined when it is right. */
export function checkSigV4(request: IncomingMessage, account: S3Account, nowMs: number): string | undefined {
  const url = new URL(request.url ?? "", "http://x");
  const query = url.searchParams;
  const isQuery = query.has("X-Amz-Signature");
  const header =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? "",
    );
  const credential = isQuery ? query.get("X-Amz-Credential") : header?.[1];
  const signedHeaders = isQuery ? query.get("X-Amz-SignedHeaders") : header?.[2];
  const signature = isQuery ? query.get("X-Amz-Signature") : header?.[3];
  const time = (isQuery ? query.get("X-Amz-Date") : request.headers["x-amz-date"]) as string | undefined;
  if (!credential || !signedHeaders || !signature || !time) return "AccessDenied";
  const [keyId, date, region, service, end] = credential.split("/");
  if (keyId !== account.accessKeyId) return "InvalidAccessKeyId";
  if (date !== time.slice(0, 8) || region !== account.region || service !== "s3" || end !== "aws4_request") {
    return "AuthorizationHeaderMalformed";
  }
  const names = signedHeaders.split(";");
  const unsigned = Object.keys(request.headers).filter(
    (name) => name.startsWith("x-amz-") && !names.includes(name),
  );
  if (!names.includes("host") || unsigned.length > 0) return "AccessDenied";
  const canonical = [
    request.method,
    encodePath(url.pathname),
    canonicalQuery(url.search),
    ...names.map(
      (name) =>
        `${name}:${String(request.headers[name] ?? "")
          .trim()
          .replace(/\s+/g, " ")}`,
    ),
    "",
    signedHeaders,
    isQuery ? "UNSIGNED-PAYLOAD" : String(request.headers["x-amz-content-sha256"]),
  ].join("\n");
  const scope = [date, region, service, end].join("/");
  const text = ["AWS4-HMAC-SHA256", time, scope, createHash("sha256").update(canonical).digest("hex")].join(
    "\n",
  );
  const key = [date, region, service, end].reduce<Buffer | string>(
    (last, part) =>
      createHmac("sha256", last)
        .update(part ?? "")
        .digest(),
    `AWS4${account.secretAccessKey}`,
  );
  const expected = createHmac("sha256", key).update(text).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, "hex"))) return "SignatureDoesNotMatch";
  return checkAge(time, isQuery ? Number(query.get("X-Amz-Expires")) : 900, isQuery, nowMs);
}

function checkAge(time: string, seconds: number, isQuery: boolean, nowMs: number): string | undefined {
  const signedMs = Date.parse(time.replace(/^(....)(..)(..T..)(..)/, "$1-$2-$3:$4:"));
  if (nowMs > signedMs + seconds * 1000) return isQuery ? "AccessDenied" : "RequestTimeTooSkewed";
  return undefined;
}

function encodePath(pathname: string): string {
  return pathname
    .split("/")
    .map((part) => encode(decodeURIComponent(part)))
    .join("/");
}

function canonicalQuery(search: string): string {
  return search
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "" && !pair.startsWith("X-Amz-Signature="))
    .map((pair) => {
      const [name = "", value = ""] = pair
        .split("=")
        .map((part) => decodeURIComponent(part.replaceAll("+", " ")));
      return `${encode(name)}=${encode(value)}`;
    })
    .sort()
    .join("&");
}

function encode(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9._~-]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}
