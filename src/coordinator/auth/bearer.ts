import { unauthenticated } from "./api-keys.ts";

/** What follows `Bearer` in an Authorization header. @throws GodwitError UNAUTHENTICATED */
export function bearerOf(header: string | undefined): string {
  const token = /^Bearer +(\S+)$/i.exec(header ?? "")?.[1];
  if (token === undefined) throw unauthenticated("the request has no `Authorization: Bearer …` header");
  return token;
}
