import { type Audience, type VerifiedToken, verifyRunnerToken } from "./runner-token.ts";
import type { SigningKey } from "./signing-key.ts";

const MOST = 10_000;

/** Remembers verified tokens: a runner sends the same one with every exchange, and checking a signature is slow. */
export class TokenCache {
  readonly #key: SigningKey;
  readonly #audience: Audience;
  readonly #known = new Map<string, VerifiedToken>();

  constructor(key: SigningKey, audience: Audience) {
    this.#key = key;
    this.#audience = audience;
  }

  async verify(token: string, nowMs: number): Promise<VerifiedToken> {
    const known = this.#known.get(token);
    if (known !== undefined && known.expiresMs > nowMs) return known;
    this.#known.delete(token);
    const verified = await verifyRunnerToken(this.#key, token, { nowMs, audience: this.#audience });
    // Tokens leave in the order in which they came; one that is still used comes back at once.
    const [oldest] = this.#known.size >= MOST ? this.#known.keys() : [];
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(token, verified);
    return verified;
  }
}
