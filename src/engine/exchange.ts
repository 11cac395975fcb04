import { GodwitError } from "../core/errors.ts";
import {
  type ExchangeReply,
  type ExchangeRequest,
  type LostLease,
  PROTOCOL_VERSION,
  type Refusal,
} from "../core/protocol.ts";
import { readGranted, readLostLeases } from "../store/leases.ts";
import type { LeaseRow, RunRow } from "../store/rows.ts";
import { closeExchange, type RunnerRow } from "../store/runners.ts";
import { readRuns } from "../store/runs.ts";
import type { EngineCore } from "./core.ts";
import { describeLeases, takeLeases } from "./grant.ts";
import { topics } from "./hub.ts";
import { newsOf, withoutEchoes } from "./news.ts";
import { openPools } from "./open-pools.ts";
import { keepAlive, readCaller, register } from "./registration.ts";
import { applyReport, hasContent, runsOf } from "./report.ts";
import type { Work } from "./work.ts";

/** Nobody waits longer than this without looking into the store: notifications are only hints. */
const LOOK_AGAIN_MS = 1_000;

/** One exchange with a runner: see `core/protocol.ts`. Safe to repeat, and to be cut off anywhere. */
export async function exchange(
  core: EngineCore,
  request: ExchangeRequest,
  signal?: AbortSignal,
): Promise<ExchangeReply> {
  const protocol = request.runner.protocol ?? 1;
  if (protocol !== PROTOCOL_VERSION) {
    const message = `runner ${request.runner.id} speaks protocol ${protocol}, this coordinator ${PROTOCOL_VERSION}`;
    throw new GodwitError("INVALID_REQUEST", message, {
      hint: "Deploy runners and coordinators of one version.",
    });
  }
  const runner = await register(core, request);
  if (runner === undefined) return unknown();
  const reply = await (request.channel === "report"
    ? report(core, request, runner)
    : poll(core, request, signal));
  return reply.known ? { ...reply, registeredMs: runner.registered_ms } : reply;
}

async function report(core: EngineCore, request: ExchangeRequest, runner: RunnerRow): Promise<ExchangeReply> {
  let refused: readonly Refusal[] = [];
  let granted = NOTHING;
  // The reply brings this runner its news; waking its poll for them as well would double every exchange.
  const own = topics.runner(request.runner.id);
  const apply = async (work: Work): Promise<void> => {
    refused = await applyReport(work, request);
  };
  if (core.driver.dialect.hasSingleWriter) {
    const applyAndGrant = async (work: Work): Promise<void> => {
      await apply(work);
      granted = await grantUnder(work, request);
    };
    await core.work(runsOf(request), applyAndGrant, own);
  } else {
    // With several writers, leasing locks runs that this report knows nothing of. Two transactions, each of which
    // locks its runs in order, cannot wait for each other in a circle.
    if (hasContent(request)) await core.work(runsOf(request), apply, own);
    const isRepeated = runner.report_n >= request.number;
    if (request.want > 0 || isRepeated) granted = await grantAlone(core, request, own);
  }
  return answer(core, request, { granted, refused });
}

async function poll(
  core: EngineCore,
  request: ExchangeRequest,
  signal?: AbortSignal,
): Promise<ExchangeReply> {
  const { runner } = request;
  const endMs = core.clock.now() + (request.waitMs ?? 0);
  // A runner that wants no leases is not woken by new ones.
  const pools =
    request.want > 0
      ? runner.pools.map((pool) => (pool === "*" ? topics.sharedPools : topics.pool(pool)))
      : [];
  const own = topics.runner(runner.id);
  for (;;) {
    const listener = core.hub.listen([own, ...pools]);
    try {
      const ready = await look(core, request);
      if (ready !== null) return ready;
      const leftMs = endMs - core.clock.now();
      if (leftMs <= 0 || signal?.aborted === true) return idle();
      const topic = await listener.wait(Math.min(leftMs, LOOK_AGAIN_MS), signal);
      // News for a parent this request does not list as held (it began to wait later): asking again brings it.
      if (topic === own) return (await look(core, request)) ?? idle();
    } finally {
      listener.stop();
    }
  }
}

/** What there is for a waiting runner, or null. Only when something can be leased does it cost a transaction. */
async function look(core: EngineCore, request: ExchangeRequest): Promise<ExchangeReply | null> {
  const { runner } = request;
  const found = await core.driver.read(async (sql) => {
    const row = await readCaller(sql, request);
    if (row === undefined) return { row, backlog: false, lost: 0, news: 0 };
    const backlog = request.want > 0 && (await openPools(sql, core.deployments, request)).length > 0;
    const lost = (await readLostLeases(sql, runner.id)).filter(
      ({ token }) => !(request.heardLost ?? []).includes(token),
    );
    const news = await newsOf(sql, request);
    return { row, backlog, lost: lost.length, news: news.news.length + news.lost.length };
  });
  if (found.row === undefined) return unknown();
  await keepAlive(core, found.row);
  // A runner that has nothing to report would never learn of them, and they would be its leases for as long as it lives.
  if (found.row.report_n >= (request.reportNumber ?? Number.POSITIVE_INFINITY))
    return { ...idle(), hasMissed: true };
  const isRepeated = found.row.poll_n >= request.number;
  if (!found.backlog && found.lost === 0 && found.news === 0 && !isRepeated) return null;
  const granted = found.backlog || isRepeated ? await grantAlone(core, request) : NOTHING;
  const reply = await answer(core, request, { granted, refused: [] });
  const isEmpty = reply.leases.length + reply.news.length + reply.lost.length === 0 && !reply.closed;
  return isEmpty ? null : reply;
}

/** The same request was answered by another coordinator while this one answered it. */
class AnsweredTwice extends Error {}

/** Leases that a request is answered with. */
interface Granted {
  readonly leases: readonly LeaseRow[];
  /**
   * Nothing else will be granted under the request's number. True only of who has looked for its leases after that: a
   * runner that is told so goes on to the next number, and never hears of leases that this reply does not bring.
   */
  readonly isClosed: boolean;
}

const NOTHING: Granted = { leases: [], isClosed: false };

/** Grants leases in a transaction of their own. */
async function grantAlone(core: EngineCore, request: ExchangeRequest, except?: string): Promise<Granted> {
  for (;;) {
    try {
      return await core.work([], (work) => grantUnder(work, request), except);
    } catch (error) {
      // Rolled back; looking again finds the leases that the other one granted.
      if (!(error instanceof AnsweredTwice)) throw error;
    }
  }
}

/** Grants leases under the request's number, or finds those that were granted under it before. */
async function grantUnder(work: Work, request: ExchangeRequest): Promise<Granted> {
  const runner = await readCaller(work.sql, request);
  if (runner === undefined) return NOTHING;
  const column = request.channel === "report" ? "report_n" : "poll_n";
  const grantId = `${request.channel}${request.number}`;
  if (runner[column] >= request.number)
    return { leases: await readGranted(work.sql, runner.id, grantId), isClosed: true };
  const leases = await takeLeases(work, request, grantId);
  if (leases.length === 0) return NOTHING;
  const isClosed = await closeExchange(work.sql, {
    runner: runner.id,
    column,
    number: request.number,
  });
  // The same request was answered by another coordinator meanwhile: undo all of this, the repetition finds its leases.
  if (!isClosed) throw new AnsweredTwice();
  return { leases, isClosed };
}

async function answer(
  core: EngineCore,
  request: ExchangeRequest,
  given: { readonly granted: Granted; readonly refused: readonly Refusal[] },
): Promise<ExchangeReply> {
  return core.driver.read(async (sql) => {
    const { leases: rows, isClosed } = given.granted;
    const ids = [...new Set(rows.map((lease) => lease.run_id))];
    const runs = new Map(
      (ids.length === 0 ? [] : await readRuns(sql, ids)).map((run): [string, RunRow] => [run.id, run]),
    );
    const leases = await describeLeases(sql, rows, { runs, request, deployments: core.deployments });
    const { news, lost } = await newsOf(sql, request);
    const heard = new Set(request.heardLost ?? []);
    const told = (await readLostLeases(sql, request.runner.id)).filter(({ token }) => !heard.has(token));
    const runner = await readCaller(sql, request);
    return {
      known: runner !== undefined,
      closed: isClosed,
      leases,
      news: withoutEchoes(news, request),
      lost: [
        ...told.map(({ token, reason, detail }) => ({
          lease: token,
          reason: reason as LostLease["reason"],
          detail,
        })),
        ...lost,
      ],
      refused: given.refused,
    };
  });
}

function idle(): ExchangeReply {
  return { known: true, closed: false, leases: [], news: [], lost: [], refused: [] };
}

function unknown(): ExchangeReply {
  return { ...idle(), known: false };
}
