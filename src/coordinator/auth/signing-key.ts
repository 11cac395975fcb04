import type { CryptoKey } from "jose";

/**
 * Signs tokens: a secret of at least 32 bytes (HS256), or an Ed25519 key pair (EdDSA), so that whoever only checks
 * tokens need not be able to make them.
 */
export type SigningKey = Uint8Array | { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey };

/** What jose needs of a key. */
export function signingOf(key: SigningKey): {
  readonly algorithm: "HS256" | "EdDSA";
  readonly sign: Uint8Array | CryptoKey;
  readonly verify: Uint8Array | CryptoKey;
} {
  if (!(key instanceof Uint8Array))
    return { algorithm: "EdDSA", sign: key.privateKey, verify: key.publicKey };
  if (key.length < 32) throw new RangeError(`a signing key has at least 32 bytes, not ${key.length}`);
  return { algorithm: "HS256", sign: key, verify: key };
}
