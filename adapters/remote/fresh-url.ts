import type { SignedRequest } from "../../src/ports/blobs.ts";
import type { Clock } from "../../src/ports/clock.ts";

/** A request that is signed anew before its URL runs out: a transfer may be resumed long after it began. */
export class FreshUrl {
  readonly #clock: Clock;
  readonly #lastsMs: number;
  readonly #sign: () => Promise<SignedRequest>;
  #signed: { readonly request: SignedRequest; readonly untilMs: number } | undefined;

  /** @param lastsMs how long a URL is good; by this clock, which need not be that of whoever signs */
  constructor(clock: Clock, lastsMs: number, sign: () => Promise<SignedRequest>) {
    this.#clock = clock;
    this.#lastsMs = lastsMs;
    this.#sign = sign;
  }

  async get(): Promise<SignedRequest> {
    const nowMs = this.#clock.now();
    if (this.#signed === undefined || nowMs >= this.#signed.untilMs) {
      this.#signed = { request: await this.#sign(), untilMs: nowMs + this.#lastsMs / 2 };
    }
    return this.#signed.request;
  }
}
