import { isSuccess, isTerminal, type TerminalPhase } from "../core/phase.ts";
import type { ExchangeRequest, JournalEntry, LeaseGrant } from "../core/protocol.ts";
import { type JournalRow, readActionsWithInput, readJournal } from "../store/actions.ts";
import { type CheckpointRow, readCheckpoints } from "../store/checkpoints.ts";
import type { Sql } from "../store/driver.ts";
import { leaseToken } from "../store/leases.ts";
import { takeQueue } from "../store/queue.ts";
import { type ActionRow, keyOf, type LeaseRow, type QueueRow, type RunRow } from "../store/rows.ts";
import { optionsOf } from "./action-options.ts";
import type { DeployedCode, Deployments } from "./deployments.ts";
import { openPools } from "./open-pools.ts";
import type { Work } from "./work.ts";

/** Results that travel with a lease; more are fetched in pages of their own. */
const JOURNAL_PAGE = 1_000;

/** How often one exchange looks for work; a transaction stays short whatever the queue holds, the next one goes on. */
const LEASE_ROUNDS = 16;

/** The runner reports a passed time limit itself; the engine's own timer only covers one that cannot. */
export const TIME_LIMIT_GRACE_MS = 2_000;

/**
 * Leases up to `want` queued actions to a runner. Rows of actions that ended meanwhile are dropped on the way.
 * An isolated action is given only to a runner that does nothing else, and nothing is given beside it.
 */
export async function takeLeases(work: Work, request: ExchangeRequest, grantId: string): Promise<LeaseRow[]> {
  if (request.want <= 0) return [];
  const wanted = await openPools(work.sql, work.deployments, request);
  if (request.isIdle === true) {
    for (const pool of wanted.filter((name) => name.endsWith("!"))) {
      const alone = await leaseFrom(work, request, { pools: [pool], limit: 1, grantId });
      if (alone.length > 0) return alone;
    }
  }
  const pools = wanted.filter((name) => !name.endsWith("!"));
  return leaseFrom(work, request, { pools, limit: request.want, grantId });
}

interface LeaseSource {
  readonly pools: readonly string[];
  readonly limit: number;
  readonly grantId: string;
}

/**
 * Takes from all pools first and locks the runs of what was taken together: locking them pool by pool could meet
 * another transaction that locks the same runs in order.
 */
async function leaseFrom(work: Work, request: ExchangeRequest, from: LeaseSource): Promise<LeaseRow[]> {
  for (let round = 0; round < LEASE_ROUNDS; round++) {
    const taken: QueueRow[] = [];
    for (const [i, pool] of from.pools.entries()) {
      // An equal part for every pool, so that no deployment starves another on shared runners.
      const limit = Math.ceil((from.limit - taken.length) / (from.pools.length - i));
      const share = { limit, run: request.run };
      if (limit > 0) taken.push(...(await takeQueue(work.sql, pool, share)));
    }
    if (taken.length === 0) return [];
    const leases = await leaseRows(work, request, taken, from.grantId);
    // Only when all of it had ended meanwhile there is a reason to look again.
    if (leases.length > 0) return leases;
  }
  return [];
}

async function leaseRows(
  work: Work,
  request: ExchangeRequest,
  taken: readonly QueueRow[],
  grantId: string,
): Promise<LeaseRow[]> {
  await work.lock(taken.map((row) => row.run_id));
  await work.load(taken.map(({ run_id, action_id }) => ({ run_id, action_id })));
  const leases: LeaseRow[] = [];
  for (const { run_id, action_id } of taken) {
    const row = work.action(run_id, action_id);
    if (row === undefined || row.phase !== "queued") continue;
    row.attempt = row.user_failures + row.system_failures + 1;
    row.started_ms ??= work.nowMs;
    const lease = newLease(work, row, request.runner.id, grantId);
    if (lease.must_end_ms !== null) {
      const due_ms = lease.must_end_ms + TIME_LIMIT_GRACE_MS;
      work.remind(row, { kind: "attempt_limit", due_ms, attempt: row.attempt });
    }
    startRun(work, row);
    work.move(row, "running");
    leases.push(lease);
  }
  for (const lease of leases) work.grant(lease);
  return leases;
}

function newLease(work: Work, row: ActionRow, runnerId: string, grantId: string): LeaseRow {
  const limits = optionsOf(row).limits;
  const ends = [
    // A parked parent runs from the top when it wakes, so its limit counts from there as well.
    limits?.attemptMs === undefined ? null : work.nowMs + limits.attemptMs,
    limits?.deadlineMs === undefined ? null : row.created_ms + limits.deadlineMs,
  ].filter((end) => end !== null);
  return {
    run_id: row.run_id,
    action_id: row.id,
    token: leaseToken(row.run_id, row.id, work.random.nonce(16)),
    runner_id: runnerId,
    grant_id: grantId,
    attempt: row.attempt,
    granted_ms: work.nowMs,
    must_end_ms: ends.length === 0 ? null : Math.min(...ends),
  };
}

function startRun(work: Work, row: ActionRow): void {
  if (row.parent_id !== null) return;
  const run = work.run(row.run_id);
  if (run.started_ms !== null) return;
  run.started_ms = work.nowMs;
  run.phase = "running";
  work.changeRun(run);
  work.emit(run.id, { action: "", phase: "running", attempt: 0 });
}

/** Everything a runner needs to execute the given leases; a repeated request gets the same. */
export async function describeLeases(
  sql: Sql,
  leases: readonly LeaseRow[],
  of: {
    readonly runs: ReadonlyMap<string, RunRow>;
    readonly request: ExchangeRequest;
    readonly deployments: Deployments;
  },
): Promise<LeaseGrant[]> {
  if (leases.length === 0) return [];
  const keys = leases.map(({ run_id, action_id }) => ({ run_id, action_id }));
  const found = await readActionsWithInput(sql, keys);
  const rows = new Map(found.map((row) => [keyOf(row.run_id, row.id), row]));
  const retried = found
    .filter(({ attempt }) => attempt > 1)
    .map(({ run_id, id, attempt }) => ({ run_id, action_id: id, attempt }));
  const checkpoints = new Map(
    (await readCheckpoints(sql, retried)).map((row) => [keyOf(row.run_id, row.action_id), row]),
  );
  const warm = new Map(
    (of.request.warm ?? []).map((report) => [keyOf(report.run, report.action), report.seq]),
  );
  const codes = await of.deployments.read(
    sql,
    found.map(({ run_id, deployment }) => deployment ?? of.runs.get(run_id)?.deployment ?? ""),
  );
  const grants: LeaseGrant[] = [];
  for (const lease of leases) {
    const name = keyOf(lease.run_id, lease.action_id);
    const row = rows.get(name);
    const run = of.runs.get(lease.run_id);
    // Ended between the grant and this description (a repeated request): there is nothing to execute.
    if (row === undefined || run === undefined || isTerminal(row.phase)) continue;
    const since = warm.get(name) ?? 0;
    const journal =
      row.settled > since
        ? await journalPage(sql, { runId: run.id, parentId: row.id, since, limit: JOURNAL_PAGE })
        : [];
    grants.push(
      grantOf({
        lease,
        row,
        run,
        input: row.input,
        journal,
        since,
        checkpoint: checkpoints.get(name),
        code: codes.get(row.deployment ?? run.deployment),
      }),
    );
  }
  return grants;
}

interface GrantParts {
  readonly lease: LeaseRow;
  readonly row: ActionRow;
  readonly run: RunRow;
  readonly input: string;
  readonly journal: readonly JournalEntry[];
  readonly since: number;
  readonly checkpoint: CheckpointRow | undefined;
  /** Undefined: tasks that were defined in their runner's own process. */
  readonly code: DeployedCode | undefined;
}

function grantOf({ lease, row, run, input, journal, since, checkpoint, code }: GrantParts): LeaseGrant {
  const deployment = row.deployment ?? run.deployment;
  const isOriginal = run.origin_run === null || run.origin_kind === "rerun";
  return {
    run: run.id,
    action: row.id,
    lease: lease.token,
    parent: row.parent_id,
    task: row.task,
    input,
    options: withContext(row, run),
    attempt: row.attempt,
    deployment,
    bundle: code?.bundle ?? deployment,
    environment: code?.environment ?? null,
    project: run.project,
    domain: run.domain,
    seed: run.seed,
    epochMs: row.epoch_ms,
    sdkVersion: run.sdk_version,
    settled: row.settled,
    children: row.children,
    parkedSeq: row.parked_seq,
    journal,
    since,
    checkpoint: checkpoint?.value ?? null,
    checkpointSeq: checkpoint?.seq ?? 0,
    mustEndMs: lease.must_end_ms,
    suspendMode: run.suspend_mode,
    strict: run.strict === 1,
    isolated: row.isolated === 1,
    claims: isOriginal && run.action_limit === null,
  };
}

/** The root takes its custom context from the run; children got it with their call. */
function withContext(row: ActionRow, run: RunRow): LeaseGrant["options"] {
  const options = optionsOf(row);
  if (row.parent_id !== null || run.context === "{}") return options;
  return { ...options, context: JSON.parse(run.context) as Record<string, string> };
}

/** A page of a parent's journal as the protocol sends it. */
export async function journalPage(
  sql: Sql,
  at: { readonly runId: string; readonly parentId: string; readonly since: number; readonly limit: number },
): Promise<JournalEntry[]> {
  return (await readJournal(sql, at)).map(journalEntry);
}

export function journalEntry(row: JournalRow): JournalEntry {
  const isOk = isSuccess(row.phase as TerminalPhase);
  const outcome = isOk
    ? { ok: true as const, value: row.result }
    : { ok: false as const, error: JSON.parse(row.result) };
  return { seq: row.seq, id: row.id, outcome, endedMs: row.ended_ms };
}
