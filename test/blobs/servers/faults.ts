import type { IncomingMessage, ServerResponse } from "node:http";

/** What goes wrong with one request. */
export type Fault =
  /** 503 with an optional `Retry-After`. */
  | { readonly kind: "throttle"; readonly retryAfter?: string }
  /** The connection breaks after this many bytes of the reply's body. */
  | { readonly kind: "reset"; readonly afterBytes: number }
  /** The connection is closed in order, but early. */
  | { readonly kind: "truncate"; readonly afterBytes: number }
  /** The reply's bytes are not those that are stored. */
  | { readonly kind: "corrupt" }
  /** The reply begins late. */
  | { readonly kind: "slow"; readonly delayMs: number }
  /** The request has its effect, and its reply is lost. */
  | { readonly kind: "lose-reply" }
  /** What arrives is not what was sent. */
  | { readonly kind: "garble" };

export interface Script {
  readonly fault: Fault;
  readonly when: (request: IncomingMessage) => boolean;
  times: number;
}

/** The faults a test has asked for, first come first served. */
export class Faults {
  #scripts: Script[] = [];
  /** Every request so far, as `METHOD url`. */
  readonly seen: string[] = [];

  add(fault: Fault, when: (request: IncomingMessage) => boolean = () => true, times = 1): void {
    this.#scripts.push({ fault, when, times });
  }

  clear(): void {
    this.#scripts = [];
    this.seen.length = 0;
  }

  take(request: IncomingMessage): Fault | undefined {
    this.seen.push(`${request.method} ${request.url}`);
    const script = this.#scripts.find(({ when, times }) => times > 0 && when(request));
    if (script === undefined) return undefined;
    script.times -= 1;
    return script.fault;
  }
}

/** Sends bytes as the fault wants it. */
export function sendBytes(response: ServerResponse, bytes: Buffer, fault: Fault | undefined): void {
  if (fault?.kind === "reset") {
    response.write(bytes.subarray(0, fault.afterBytes), () => setTimeout(() => response.destroy(), 20));
  } else if (fault?.kind === "truncate") {
    response.write(bytes.subarray(0, fault.afterBytes), () => response.socket?.end());
  } else if (fault?.kind === "corrupt") {
    const broken = Buffer.from(bytes);
    broken[0] = (broken[0] ?? 0) ^ 0xff;
    response.end(broken);
  } else {
    response.end(bytes);
  }
}

export async function readBody(request: IncomingMessage, fault: Fault | undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  if (fault?.kind === "garble" && body.length > 0) {
    // In a multipart body, the last byte before the closing line.
    const at = body.subarray(0, 2).equals(Buffer.from("--")) ? body.lastIndexOf("\r\n--") - 1 : 0;
    body[at] = (body[at] ?? 0) ^ 0xff;
  }
  return body;
}
