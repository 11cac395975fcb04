import type {
  ExchangeRequest,
  JournalEntry,
  JournalRequest,
  LostLease,
  ParentNews,
} from "../core/protocol.ts";
import type { Sql } from "../store/driver.ts";
import { readLeased, readLeasedTo } from "../store/leases.ts";
import type { EngineCore } from "./core.ts";
import { journalPage } from "./grant.ts";

/** News entries per parent and reply; a parent with more asks again at once. */
const NEWS_PAGE = 2_000;

/** Results for held parents, and the leases of parents that are held no more. */
export async function newsOf(
  sql: Sql,
  { runner, held = [] }: ExchangeRequest,
): Promise<{ news: ParentNews[]; lost: LostLease[] }> {
  if (held.length === 0) return { news: [], lost: [] };
  const tokens = held.map(({ lease }) => lease);
  const leased = await readLeasedTo(sql, runner.id, tokens);
  const rows = new Map(leased.map((row) => [row.token, row]));
  const news: ParentNews[] = [];
  const lost: LostLease[] = [];
  for (const { lease, seq } of held) {
    const row = rows.get(lease);
    if (row === undefined)
      lost.push({ lease, reason: "expired", detail: "the lease is not current any more" });
    else if (row.settled > seq) {
      const entries = await journalPage(sql, {
        runId: row.run_id,
        parentId: row.id,
        since: seq,
        limit: NEWS_PAGE,
      });
      news.push({ lease, entries, more: (entries.at(-1)?.seq ?? seq) < row.settled });
    }
  }
  return { news, lost };
}

/** Leaves out values that the runner sent in this very request: it has them. */
export function withoutEchoes(news: readonly ParentNews[], request: ExchangeRequest): ParentNews[] {
  const sent = new Map<string, string>();
  for (const { lease, trace, outcome } of request.outcomes ?? []) {
    const [run, action] = lease.split("/");
    if (outcome.ok) sent.set(`${run}/${trace ?? action}`, outcome.value);
  }
  if (sent.size === 0) return [...news];
  return news.map(({ lease, entries, more }) => {
    const run = lease.split("/")[0];
    const isEcho = ({ id, outcome }: JournalEntry): boolean =>
      outcome?.ok === true && sent.get(`${run}/${id}`) === outcome.value;
    return {
      lease,
      more,
      entries: entries.map((entry) => (isEcho(entry) ? { ...entry, outcome: null } : entry)),
    };
  });
}

/**
 * A page of the journal of a leased parent; empty when the lease is not current, or belongs to a runner that whoever
 * asks does not speak for.
 */
export function readJournalPage(
  core: EngineCore,
  request: JournalRequest,
  speaksFor: (runnerId: string) => boolean = () => true,
): Promise<JournalEntry[]> {
  return core.driver.read(async (sql) => {
    const row = (await readLeased(sql, [request.lease]))[0];
    if (row === undefined || !speaksFor(row.runner_id)) return [];
    return journalPage(sql, {
      runId: row.run_id,
      parentId: row.id,
      since: request.since,
      limit: Math.min(request.limit, 10_000),
    });
  });
}
