import { type ErrorCode, errorRow } from "../core/error-table.ts";
import { errorFor, type GodwitError } from "../core/errors.ts";
import type { BlobAnswers, BlobAsk, BlobProblem, BlobStoreView, BlobsReply } from "./api.ts";
import { type Connection, readJson } from "./connection.ts";

/** The most requests in one body, and the most bodies on their way: what comes meanwhile gathers. */
const MAX_REQUESTS = 500;
const MAX_FLIGHTS = 2;
const RETRIES = 5;
/** A body of many requests to a slow store. */
const PATIENCE_MS = 60_000;

/** How requests are sent: as whoever has an API key, or under leases as a runner. */
export type BlobSender =
  | { readonly as: "client"; readonly project?: string | undefined }
  | { readonly as: "runner" };

/** What belongs to one request besides what it asks. */
export interface AskOptions {
  /** For a runner: the lease of the execution that asks. */
  readonly lease?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Waiting {
  readonly ask: BlobAsk;
  readonly lease: string | undefined;
  resolve(answer: BlobAnswers[BlobAsk["op"]]): void;
  reject(error: unknown): void;
}

/** Asks the blob store of a coordinator. Requests that come together travel together. */
export class BlobCalls {
  readonly #connection: Connection;
  readonly #sender: BlobSender;
  #waiting: Waiting[] = [];
  #flights = 0;
  #isDue = false;

  constructor(connection: Connection, sender: BlobSender) {
    this.#connection = connection;
    this.#sender = sender;
  }

  /** @throws GodwitError with the code of the coordinator; ENDPOINT_UNREACHABLE; the signal's reason */
  ask<Ask extends BlobAsk>(ask: Ask, { lease, signal }: AskOptions = {}): Promise<BlobAnswers[Ask["op"]]> {
    return new Promise<BlobAnswers[Ask["op"]]>((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const onAbort = (): void => reject(signal?.reason);
      const done = (): void => signal?.removeEventListener("abort", onAbort);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push({
        ask,
        lease,
        resolve: (answer) => {
          done();
          resolve(answer as BlobAnswers[Ask["op"]]);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      this.#sendSoon();
    });
  }

  /** What the store is and can do. */
  async describe(): Promise<BlobStoreView> {
    return (await this.#send([])).store;
  }

  #sendSoon(): void {
    if (this.#isDue || this.#flights >= MAX_FLIGHTS || this.#waiting.length === 0) return;
    this.#isDue = true;
    // Everything that is asked in one go is waited for.
    setTimeout(() => {
      this.#isDue = false;
      const batch = this.#waiting.splice(0, MAX_REQUESTS);
      this.#flights += 1;
      void this.#settle(batch).finally(() => {
        this.#flights -= 1;
        this.#sendSoon();
      });
      this.#sendSoon();
    }, 0);
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    try {
      const { results } = await this.#send(batch);
      for (const [i, { resolve, reject }] of batch.entries()) {
        const result = results[i];
        if (result?.ok === true) resolve(result.answer);
        else reject(errorOf(result?.problem));
      }
    } catch (error) {
      const isRefused = (error as GodwitError).kind === "usage" || (error as GodwitError).kind === "user";
      // One that must not be asked fails its whole body: the others did nothing wrong.
      if (isRefused && batch.length > 1) for (const one of batch) await this.#settle([one]);
      else for (const { reject } of batch) reject(error);
    }
  }

  #send(batch: readonly Waiting[]): Promise<BlobsReply> {
    const isRunner = this.#sender.as === "runner";
    const body = isRunner
      ? { requests: batch.map(({ ask, lease }) => ({ ask, lease })) }
      : {
          project: this.#sender.as === "client" ? this.#sender.project : undefined,
          requests: batch.map(({ ask }) => ask),
        };
    return this.#connection.send(
      {
        method: "POST",
        path: isRunner ? "/internal/v1/blobs" : "/v1/blobs",
        body: JSON.stringify(body),
        headers: { "Content-Type": "application/json" },
        retries: RETRIES,
        timeoutMs: PATIENCE_MS,
      },
      readJson<BlobsReply>,
    );
  }
}

function errorOf(problem: BlobProblem | undefined): GodwitError {
  const {
    code = "INTERNAL",
    detail = "the coordinator did not answer all requests",
    ...more
  } = problem ?? {};
  const { hint, attempts, requestId, status } = more as Partial<BlobProblem>;
  const isKnown = errorRow(code).kind !== "unknown";
  return errorFor(code as ErrorCode, detail, {
    ...(hint !== undefined && { hint }),
    ...(attempts !== undefined && { attempts }),
    ...(!isKnown && { details: { status, requestId } }),
  });
}
