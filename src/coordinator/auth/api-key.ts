import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { base32 } from "../../core/identity.ts";

/** What a key allows. `runners` executes tasks, and with them their code; `admin` allows everything. */
export const SCOPES = ["runs:read", "runs:write", "tasks:deploy", "runners", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** A key taken apart. */
export interface ParsedKey {
  readonly id: string;
  readonly secret: string;
}

export const ID_CHARACTERS = 12;
export const SECRET_CHARACTERS = 32;
const CHECK_CHARACTERS = 7;

const PATTERN = new RegExp(
  `^gw_live_([a-z2-7]{${ID_CHARACTERS}})_([a-z2-7]{${SECRET_CHARACTERS + CHECK_CHARACTERS}})$`,
);

/**
 * A key as its owner has it: `gw_live_<id>_<secret><checksum>`. The prefix lets secret scanners find leaked keys.
 */
export function formatApiKey({ id, secret }: ParsedKey): string {
  const text = `gw_live_${id}_${secret}`;
  return text + checksum(text);
}

/** Takes a key apart; null when it is not one or was mistyped, which needs no database to see. */
export function parseApiKey(key: string): ParsedKey | null {
  const match = PATTERN.exec(key);
  const [, id, tail] = match ?? [];
  if (id === undefined || tail === undefined) return null;
  const secret = tail.slice(0, SECRET_CHARACTERS);
  return formatApiKey({ id, secret }) === key ? { id, secret } : null;
}

/** What is stored of a secret. It has 160 random bits, so a plain hash cannot be reversed by guessing. */
export function hashSecret(secret: string): string {
  return hash("sha256", secret, "hex");
}

function checksum(text: string): string {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, crc32(text));
  // 32 bits are six characters of 5 bits and one of 2; the padding byte completes the last one.
  return base32(Uint8Array.of(...bytes, 0), CHECK_CHARACTERS);
}
