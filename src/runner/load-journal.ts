import { GodwitError } from "../core/errors.ts";
import type { Transport } from "../core/protocol.ts";
import { type RetryParts, retrying } from "./retrying.ts";
import type { Session } from "./session.ts";

const PAGE = 5_000;

/** Brings a journal up to what was recorded when the lease was granted; the rest comes as news. */
export async function loadJournal(
  session: Session,
  parts: { readonly transport: Transport; readonly retry: RetryParts; readonly signal: AbortSignal },
): Promise<void> {
  const { grant, journal } = session;
  if (journal.seq < grant.since) {
    throw new GodwitError("INTERNAL", `the journal of ${grant.action} starts after ${grant.since}`);
  }
  journal.append(grant.journal);
  while (journal.seq < grant.settled && !session.isOver) {
    const request = { lease: grant.lease, since: journal.seq, limit: PAGE };
    const load = (): ReturnType<Transport["journal"]> => parts.transport.journal(request, parts.signal);
    const page = await retrying(parts.retry, parts.signal, load);
    // Nothing: the lease is gone, or the runner is; the next exchange says so.
    if (page === null || page.length === 0) return;
    journal.append(page);
  }
}
