import { hash, timingSafeEqual } from "node:crypto";
import { GodwitError } from "../../core/errors.ts";
import { base32 } from "../../core/identity.ts";
import type { EngineCore } from "../../engine/core.ts";
import { type ApiKeyRow, insertApiKey, readApiKey, renewApiKey, touchApiKey } from "../../store/api-keys.ts";
import {
  formatApiKey,
  hashSecret,
  ID_CHARACTERS,
  parseApiKey,
  type Scope,
  SECRET_CHARACTERS,
} from "./api-key.ts";

export interface NewApiKey {
  /** For people. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The only project it may touch. Default: all. */
  readonly project?: string;
  /** Epoch milliseconds. Default: never. */
  readonly expiresMs?: number;
  /** Names the request. Made again by the same one, a key keeps its id and gets another secret. */
  readonly request?: string;
}

/** `last_used_ms` is exact to this much: a write per request would cost more than the request. */
const TOUCH_EVERY_MS = 60_000;

/**
 * Makes an API key. `key` is shown to its owner now and never again: only the hash of its secret is stored.
 *
 * @example const { key } = await createApiKey(core, { name: "ci", scopes: ["tasks:deploy"], project: "search" });
 */
export async function createApiKey(
  core: EngineCore,
  wanted: NewApiKey,
): Promise<{ readonly key: string; readonly id: string; readonly row: ApiKeyRow }> {
  const { request } = wanted;
  const id =
    request === undefined
      ? core.random.nonce(ID_CHARACTERS)
      : base32(hash("sha256", request, "buffer"), ID_CHARACTERS);
  const secret = core.random.nonce(SECRET_CHARACTERS);
  const row: ApiKeyRow = {
    id,
    name: wanted.name,
    secret_hash: hashSecret(secret),
    project: wanted.project ?? null,
    scopes: JSON.stringify(wanted.scopes),
    created_ms: core.clock.now(),
    expires_ms: wanted.expiresMs ?? null,
    last_used_ms: null,
    revoked_ms: null,
  };
  const stored = await core.driver.transaction(async (sql) => {
    const found = request === undefined ? undefined : await readApiKey(sql, id);
    if (found === undefined) await insertApiKey(sql, row);
    else await renewApiKey(sql, id, row.secret_hash);
    return found ?? row;
  });
  return { key: formatApiKey({ id, secret }), id, row: stored };
}

/** The stored key that `key` is. @throws GodwitError UNAUTHENTICATED, with the reason */
export async function verifyApiKey(core: EngineCore, key: string): Promise<ApiKeyRow> {
  const parsed = parseApiKey(key);
  if (parsed === null) throw unauthenticated("that is not an API key; was it copied whole?");
  const row = await core.driver.read((sql) => readApiKey(sql, parsed.id));
  const found = Buffer.from(hashSecret(parsed.secret));
  if (row === undefined || !timingSafeEqual(found, Buffer.from(row.secret_hash))) {
    throw unauthenticated("the API key is not known");
  }
  const nowMs = core.clock.now();
  if (row.revoked_ms !== null) throw unauthenticated(`the API key "${row.name}" was revoked`);
  if (row.expires_ms !== null && row.expires_ms <= nowMs) {
    throw unauthenticated(`the API key "${row.name}" has expired`);
  }
  if (row.last_used_ms === null || nowMs - row.last_used_ms >= TOUCH_EVERY_MS) {
    await core.driver.transaction((sql) => touchApiKey(sql, row.id, nowMs));
  }
  return row;
}

/** The refusal of whoever did not show who they are. */
export function unauthenticated(message: string): GodwitError {
  return new GodwitError("UNAUTHENTICATED", message);
}
