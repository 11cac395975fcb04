import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Fault, Faults } from "./faults.ts";

export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
) => Promise<void>;

export interface StoredBlob {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly version: string;
  readonly modified: Date;
}

/** A server on a free port that answers like a cloud and breaks on demand. */
export class WireServer {
  readonly faults: Faults = new Faults();
  readonly #server: Server;

  constructor(answer: Answer) {
    this.#server = createServer((request, response) => {
      void this.#answer(answer, request, response);
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(host = "127.0.0.1"): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, host, resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(answer: Answer, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.faults.take(request);
    try {
      if (fault?.kind === "slow") await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
      if (fault?.kind === "throttle") {
        request.resume();
        const headers: Record<string, string> =
          fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter };
        response
          .writeHead(503, headers)
          .end("<Error><Code>SlowDown</Code><Message>slow down</Message></Error>");
        return;
      }
      if (fault?.kind === "lose-reply") response.end = ((): ServerResponse => response.destroy()) as never;
      await answer(request, response, fault);
    } catch (error) {
      // A client that went away in the middle is what some tests do.
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    }
  }
}

/** The bytes a `Range` header asks for; null when there are none. */
export function slice(
  header: string | undefined,
  size: number,
): { start: number; end: number } | null | undefined {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(header ?? "") ?? [];
  if (from === undefined) return undefined;
  const start = Number(from);
  if (start >= size) return null;
  return { start, end: Math.min(size, to ? Number(to) + 1 : size) };
}

/** Keys in the order of their bytes. */
export function sortedKeys(blobs: ReadonlyMap<string, unknown>, prefix: string): string[] {
  const keys = [...blobs.keys()].filter((key) => key.startsWith(prefix));
  return keys
    .map((key) => Buffer.from(key))
    .sort(Buffer.compare)
    .map(String);
}

export function own(headers: IncomingMessage["headers"], names: RegExp): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => names.test(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}
