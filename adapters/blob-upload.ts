import type { PutIfAbsentOutcome, PutParams, PutReceipt } from "../src/ports/blobs.ts";
import { CheckedSource, type Part } from "./blob-source.ts";
import type { HttpReply } from "./http.ts";

/** How one store takes a blob: whole when it is small, else in parts that appear together or not at all. */
export interface Uploader<Outcome, Done> {
  /** For a body of one part. */
  whole(bytes: Uint8Array<ArrayBuffer>, receipt: PutReceipt): Promise<Outcome>;
  /** Before the first of several parts. */
  begin(): Promise<UploadSession<Outcome, Done> | { readonly outcome: Outcome }>;
}

export interface UploadSession<Outcome, Done> {
  /** `index` counts from 0. The signal fires when another part has failed. */
  part(part: Part, index: number, signal: AbortSignal): Promise<Done>;
  /** Makes the parts visible as one blob. */
  commit(parts: readonly Done[], receipt: PutReceipt): Promise<Outcome>;
  /** Throws away what was sent; failing is fine, as nothing of it is visible. */
  abort(): Promise<void>;
}

export interface PartPlan {
  readonly partBytes: number;
  /** Parts in flight at a time; with one more being filled, that bounds the memory. */
  readonly parallel: number;
}

/** Sends a body as the store takes it. */
export async function upload<Outcome, Done>(
  source: CheckedSource,
  plan: PartPlan,
  uploader: Uploader<Outcome, Done>,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const parts = source.parts(plan.partBytes);
  const first = await parts.next();
  if (first.done === true) throw new Error("a body has at least one part");
  if (first.value.isLast) return uploader.whole(first.value.bytes, source.receipt);
  const session = await uploader.begin().catch(async (error: unknown) => {
    await parts.return();
    throw error;
  });
  if ("outcome" in session) {
    await parts.return();
    return session.outcome;
  }
  try {
    const done = await sendParts(first.value, parts, { session, parallel: plan.parallel, signal });
    return await session.commit(done, source.receipt);
  } catch (error) {
    await session.abort().catch(() => undefined);
    throw error;
  }
}

interface SendingParts<Outcome, Done> {
  readonly session: UploadSession<Outcome, Done>;
  readonly parallel: number;
  readonly signal: AbortSignal | undefined;
}

/** Keeps up to `parallel` parts in flight; the first failure stops the others, and all have ended when it returns. */
async function sendParts<Outcome, Done>(
  first: Part,
  rest: AsyncGenerator<Part, void, undefined>,
  { session, parallel, signal }: SendingParts<Outcome, Done>,
): Promise<Done[]> {
  const failure = new AbortController();
  const abort = (): void => failure.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const done: Done[] = [];
  const inFlight = new Set<Promise<void>>();
  const send = async (part: Part, index: number): Promise<void> => {
    try {
      done[index] = await session.part(part, index, failure.signal);
      part.release();
    } catch (error) {
      failure.abort(error);
      throw error;
    }
  };
  try {
    let index = 0;
    for (
      let part: Part | undefined = first;
      part !== undefined;
      part = (await rest.next()).value ?? undefined
    ) {
      const sending: Promise<void> = send(part, index++).finally(() => inFlight.delete(sending));
      // Handled where the race or the end awaits it.
      sending.catch(() => undefined);
      inFlight.add(sending);
      if (inFlight.size >= parallel) await Promise.race(inFlight);
      failure.signal.throwIfAborted();
    }
    await Promise.all(inFlight);
    failure.signal.throwIfAborted();
    return done;
  } catch (error) {
    failure.abort(error);
    await rest.return();
    await Promise.allSettled(inFlight);
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

const MIB = 1024 * 1024;

/** Parts of the configured size, or as much larger as a blob of known size needs to fit into `maxParts`. */
export function partBytesFor(params: PutParams, partBytes: number, maxParts: number): number {
  const needed = Math.ceil((params.sizeBytes ?? 0) / maxParts / MIB) * MIB;
  return Math.max(partBytes, needed);
}

/** Whether a write had its effect, or found a blob under its key. */
export type WriteOutcome = "created" | "exists";

/**
 * What it means that a conditional write found a blob. After a lost reply that may be the blob of the first try, so
 * every write carries a mark of its own in the blob's metadata.
 */
export async function settleConflict(
  reply: HttpReply,
  isOurs: () => Promise<boolean>,
): Promise<WriteOutcome> {
  await reply.response.body?.cancel();
  return reply.isRepeated && (await isOurs()) ? "created" : "exists";
}

/** Sends a body and says what came of it. */
export async function writeBlob<Done>(
  params: PutParams,
  plan: PartPlan,
  uploader: Uploader<WriteOutcome, Done>,
): Promise<PutIfAbsentOutcome> {
  const source = new CheckedSource(params);
  const outcome = await upload(source, plan, uploader, params.signal);
  return outcome === "exists" ? { outcome } : { outcome, ...source.receipt };
}
