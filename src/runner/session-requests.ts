import { LEASE_HEADER } from "../core/protocol.ts";
import { currentExecution, type Execution } from "./console.ts";

/** What a request to the coordinator says of the task that makes it: the lease of its action. */
export function leaseHeaders(): Record<string, string> {
  const execution = currentExecution();
  return execution === undefined ? {} : { [LEASE_HEADER]: execution.session.grant.lease };
}

/**
 * A request of the task that is being executed. It waits until the coordinator knows the task's lease, and ends with
 * the session: one that is over hears nothing of it, because no exception may pass through code that was parked.
 */
export async function inSession<Result>(
  given: AbortSignal | undefined,
  request: (signal: AbortSignal | undefined) => Promise<Result>,
): Promise<Result> {
  const execution = currentExecution();
  if (execution === undefined) return request(given);
  await execution.whenKnown();
  return unlessOver(execution, () => request(withSession(execution, given)));
}

/** The same for what comes bit by bit. */
export async function* streamInSession<Item>(
  given: AbortSignal | undefined,
  open: (signal: AbortSignal | undefined) => AsyncIterable<Item>,
): AsyncGenerator<Item, void, void> {
  const execution = currentExecution();
  if (execution === undefined) {
    yield* open(given);
    return;
  }
  await execution.whenKnown();
  const items = open(withSession(execution, given))[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await unlessOver(execution, () => items.next());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await items.return?.();
  }
}

function withSession({ session }: Execution, given: AbortSignal | undefined): AbortSignal {
  return given === undefined ? session.signal : AbortSignal.any([given, session.signal]);
}

async function unlessOver<Result>({ session }: Execution, work: () => Promise<Result>): Promise<Result> {
  try {
    if (session.isOver) return await never();
    const result = await work();
    return session.isOver ? await never() : result;
  } catch (error) {
    if (session.isOver) return never();
    throw error;
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
