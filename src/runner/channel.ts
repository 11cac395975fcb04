import type { Channel, ExchangeReply, ExchangeRequest, RunnerHello, Transport } from "../core/protocol.ts";
import { type RetryParts, retrying } from "./retrying.ts";

export type RequestBody = Omit<ExchangeRequest, "runner" | "channel" | "number" | "registeredMs">;

/** What both channels of a runner know of it. */
export interface ChannelParts {
  readonly hello: RunnerHello;
  readonly transport: Transport;
  readonly retry: RetryParts;
  /** When the coordinator came to know it. */
  registeredMs?: number;
}

/**
 * One channel to the coordinator: one exchange at a time, repeated under the same number until it is answered. The
 * number goes on only when leases were granted under it, so that no lost or late reply can lose a lease.
 */
export class ExchangeChannel {
  readonly #channel: Channel;
  readonly #parts: ChannelParts;
  #number = 1;

  constructor(channel: Channel, parts: ChannelParts) {
    this.#channel = channel;
    this.#parts = parts;
  }

  /** Number of the exchange under way, or of the next one. */
  get number(): number {
    return this.#number;
  }

  /** Gives the reply, or null when the signal fired first. */
  async exchange(body: RequestBody, signal: AbortSignal): Promise<ExchangeReply | null> {
    const { hello, transport, retry, registeredMs } = this.#parts;
    const request = {
      ...{ runner: hello, channel: this.#channel, number: this.#number },
      ...(registeredMs !== undefined && { registeredMs }),
      ...body,
    };
    const exchange = (): Promise<ExchangeReply> => transport.exchange(request, signal);
    const reply = await retrying(retry, signal, exchange);
    if (reply?.registeredMs !== undefined) this.#parts.registeredMs ??= reply.registeredMs;
    if (reply?.closed === true) this.#number += 1;
    return reply;
  }
}
