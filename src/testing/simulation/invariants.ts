import type { Waits } from "../../core/park.ts";
import type { Sql } from "../../store/driver.ts";
import type { Entry } from "./database.ts";
import type { Execution } from "./evidence.ts";

interface Found {
  run_id: string;
  id: string;
  phase: string;
  kind: string;
}

/**
 * What holds between any two transactions: nothing waits for ever, and counters say what there is. Each query finds
 * what breaks its rule.
 */
const RULES: readonly { readonly rule: string; readonly query: string }[] = [
  {
    rule: "a queued action has one place in the queue",
    query: `SELECT run_id, id, phase, kind FROM actions a WHERE phase = 'queued'
      AND (SELECT count(*) FROM queue q WHERE q.run_id = a.run_id AND q.action_id = a.id) <> 1`,
  },
  {
    rule: "a running action has a lease of a known runner",
    query: `SELECT run_id, id, phase, kind FROM actions a WHERE phase = 'running' AND NOT EXISTS (
      SELECT 1 FROM leases l JOIN runners r ON r.id = l.runner_id WHERE l.run_id = a.run_id AND l.action_id = a.id)`,
  },
  {
    rule: "only a running action has a lease",
    query: `SELECT a.run_id, a.id, a.phase, a.kind FROM leases l LEFT JOIN actions a ON l.run_id = a.run_id AND l.action_id = a.id
      WHERE a.phase IS NOT 'running'`,
  },
  {
    rule: "a parked parent waits for something",
    query:
      "SELECT run_id, id, phase, kind FROM actions WHERE phase = 'suspended' AND (children <= settled OR waits IS NULL)",
  },
  {
    rule: "a waiting action has a timer or a place in a line",
    query: `SELECT run_id, id, phase, kind FROM actions a WHERE phase = 'waiting'
      AND NOT EXISTS (SELECT 1 FROM timers t WHERE t.run_id = a.run_id AND t.action_id = a.id AND t.kind IN ('retry', 'sleep', 'promote'))
      AND NOT EXISTS (SELECT 1 FROM waiters w WHERE w.run_id = a.run_id AND w.action_id = a.id)`,
  },
  {
    rule: "whoever waits for a concurrency key waits for a holder",
    query: `SELECT a.run_id, a.id, a.phase, a.kind FROM waiters w JOIN actions a ON a.run_id = w.run_id AND a.id = w.action_id
      WHERE a.phase = 'waiting' AND w.key LIKE 'limit:%'
      AND NOT EXISTS (SELECT 1 FROM timers t WHERE t.kind = 'promote' AND EXISTS (SELECT 1 FROM actions b WHERE b.run_id = t.run_id AND b.id = t.action_id))
      AND NOT EXISTS (SELECT 1 FROM concurrency_holders h JOIN actions b ON b.run_id = h.run_id AND b.id = h.action_id
        WHERE h.key = w.key AND b.phase IN ('queued', 'running'))`,
  },
  {
    rule: "whoever waits for a cache entry waits for somebody who computes it",
    query: `SELECT a.run_id, a.id, a.phase, a.kind FROM waiters w JOIN actions a ON a.run_id = w.run_id AND a.id = w.action_id
      WHERE a.phase = 'waiting' AND w.key LIKE 'cache:%'
      AND NOT EXISTS (SELECT 1 FROM timers t WHERE t.kind = 'promote')
      AND NOT EXISTS (SELECT 1 FROM cache_fills f JOIN actions b ON b.run_id = f.run_id AND b.id = f.action_id
        WHERE 'cache:' || f.key = w.key AND b.ended_ms IS NULL)`,
  },
  {
    rule: "a paused action is a condition that nobody answered",
    query: `SELECT run_id, id, phase, kind FROM actions a WHERE phase = 'paused' AND NOT EXISTS (
      SELECT 1 FROM conditions c WHERE c.run_id = a.run_id AND c.action_id = a.id AND c.answered_ms IS NULL)`,
  },
  {
    rule: "a concurrency key counts its holders",
    query: `SELECT key AS run_id, used AS id, max AS phase, '' AS kind FROM concurrency c
      WHERE used <> (SELECT count(*) FROM concurrency_holders h WHERE h.key = c.key) OR used > max`,
  },
  {
    rule: "only queued and running actions hold a concurrency key",
    query: `SELECT h.run_id, h.action_id AS id, a.phase, h.key AS kind FROM concurrency_holders h
      LEFT JOIN actions a ON a.run_id = h.run_id AND a.id = h.action_id WHERE a.phase IS NULL OR a.phase NOT IN ('queued', 'running')`,
  },
  {
    rule: "a run ends with its root",
    query: `SELECT r.id AS run_id, a.id, r.phase, a.phase AS kind FROM runs r LEFT JOIN actions a ON a.run_id = r.id AND a.id = 'a0'
      WHERE (r.ended_ms IS NULL) <> (a.ended_ms IS NULL) OR (r.ended_ms IS NOT NULL AND r.phase <> a.phase)`,
  },
  {
    rule: "nothing is active below what has ended",
    query: `SELECT a.run_id, a.id, a.phase, a.kind FROM actions a JOIN actions p ON p.run_id = a.run_id AND p.id = a.parent_id
      WHERE a.ended_ms IS NULL AND p.ended_ms IS NOT NULL`,
  },
  {
    rule: "a parent counts its calls and numbers their results without a gap",
    query: `SELECT p.run_id, p.id, p.phase, p.kind FROM actions p
      LEFT JOIN actions a ON a.run_id = p.run_id AND a.parent_id = p.id GROUP BY p.run_id, p.id
      HAVING p.children <> count(a.id) OR p.settled <> count(a.seq) OR p.settled <> coalesce(max(a.seq), 0)
        OR count(a.seq) <> count(DISTINCT a.seq)
        OR (p.ended_ms IS NULL AND count(a.seq) <> count(a.ended_ms))`,
  },
  {
    rule: "a run counts its actions",
    query: `SELECT r.id AS run_id, r.actions AS id, r.phase, '' AS kind FROM runs r
      WHERE r.actions <> (SELECT count(*) FROM actions a WHERE a.run_id = r.id)`,
  },
  {
    rule: "a run counts its events",
    query: `SELECT r.id AS run_id, '' AS id, r.phase, '' AS kind FROM runs r
      WHERE r.event_seq <> (SELECT coalesce(max(seq), 0) FROM events e WHERE e.run_id = r.id)
      OR r.event_seq <> (SELECT coalesce(sum(json_array_length(body)), 0) FROM events e WHERE e.run_id = r.id)`,
  },
];

/** What is broken right now. */
export async function findBroken(sql: Sql): Promise<string[]> {
  const broken: string[] = [];
  for (const { rule, query } of RULES) {
    for (const row of await sql.all<Found>(query))
      broken.push(`${rule}: ${row.run_id}/${row.id} (${row.kind}, ${row.phase})`);
  }
  return [...broken, ...(await findForgotten(sql))];
}

/** Parked parents that have all they wait for, or a first part of it, and whom no timer wakes. */
async function findForgotten(sql: Sql): Promise<string[]> {
  const parked = await sql.all<{ run_id: string; id: string; waits: string | null }>(
    `SELECT run_id, id, waits FROM actions a WHERE phase = 'suspended' AND NOT EXISTS (
       SELECT 1 FROM timers t WHERE t.run_id = a.run_id AND t.action_id = a.id AND t.kind = 'wake')`,
  );
  const broken: string[] = [];
  for (const { run_id, id, waits } of parked) {
    if (waits === null) continue;
    const { calls, maps, firstMs } = JSON.parse(waits) as Waits;
    if (calls === null) continue;
    const settled = await sql.all<{ id: string; map_id: number | null; ended_ms: number | null }>(
      "SELECT id, map_id, ended_ms FROM actions WHERE run_id = $1 AND parent_id = $2",
      run_id,
      id,
    );
    const ended = new Map(settled.map((row) => [row.id, row.ended_ms !== null]));
    const isWaiting =
      calls.some((call) => ended.get(call) !== true) || maps.some(({ unsettled }) => unsettled > 0);
    if (!isWaiting) broken.push(`a parked parent has all it waits for and is not woken: ${run_id}/${id}`);
    else if (firstMs !== null)
      broken.push(`a result waits for a parked parent that nothing wakes: ${run_id}/${id}`);
    for (const { map, unsettled } of maps) {
      const left = settled.filter((row) => row.map_id === map && row.ended_ms === null).length;
      if (left !== unsettled)
        broken.push(
          `map ${map} of ${run_id}/${id} has ${left} calls left and its parent waits for ${unsettled}`,
        );
    }
  }
  return broken;
}

/** What is left over when every run has ended and time has gone on. */
export async function findLeftovers(sql: Sql): Promise<string[]> {
  const left: string[] = [];
  for (const table of ["queue", "leases", "timers", "cache_fills", "concurrency_holders", "waiters"]) {
    const rows = await sql.all<{ found: string }>(`SELECT count(*) AS found FROM ${table}`);
    if (Number(rows[0]?.found) > 0) left.push(`${rows[0]?.found} rows are left in ${table}`);
  }
  const used = await sql.all<{ key: string; used: number }>(
    "SELECT key, used FROM concurrency WHERE used <> 0",
  );
  return [...left, ...used.map(({ key, used: count }) => `${key} is still used ${count} times`)];
}

/** No outcome without the current lease; and each lease is executed at most once. */
export function findUnfenced(ledger: readonly Entry[], executions: readonly Execution[]): string[] {
  const broken: string[] = [];
  const given = new Map<string, string>();
  for (const entry of ledger) {
    const name = `${entry.run_id}/${entry.action_id}`;
    if (entry.kind === "violation") broken.push(`${entry.detail}: ${name}`);
    if (entry.kind === "lease") given.set(name, entry.token ?? "");
    if (entry.kind !== "settle" || entry.detail !== "succeeded") continue;
    const stamp = stampOf(entry.result);
    if (stamp === null) continue;
    const execution = executions[stamp];
    if (execution === undefined) broken.push(`${name} has the result of an execution that never was`);
    // A cached result comes from another action.
    else if (`${execution.run}/${execution.action}` !== name) continue;
    // Without any lease in the ledger it was claimed, executed and settled within one transaction.
    else if ((entry.token ?? given.get(name) ?? execution.token) !== execution.token)
      broken.push(`${name} was settled by execution ${stamp}, whose lease is not the current one`);
  }
  const tokens = new Set<string>();
  for (const { token, run, action } of executions) {
    if (tokens.has(token)) broken.push(`${run}/${action} was executed twice under one lease`);
    tokens.add(token);
  }
  return broken;
}

/** A failure that user code threw once is counted once, and so is each attempt that ended with one. */
export function findMiscounts(ledger: readonly Entry[], executions: readonly Execution[]): string[] {
  const thrown = new Map<string, number>();
  for (const { run, action, hasFailed } of executions) {
    const name = `${run}/${action}`;
    if (hasFailed) thrown.set(name, (thrown.get(name) ?? 0) + 1);
  }
  const counted = new Map<string, number>();
  for (const { kind, run_id, action_id, detail, result } of ledger) {
    const name = `${run_id}/${action_id}`;
    const isThrown = kind === "failure" && detail === "user" && result?.includes('"SimulatedError"') === true;
    if (isThrown) counted.set(name, (counted.get(name) ?? 0) + 1);
  }
  return [...counted]
    .filter(([name, count]) => count > (thrown.get(name) ?? 0))
    .map(
      ([name, count]) => `${name} failed ${thrown.get(name) ?? 0} times and ${count} failures are counted`,
    );
}

function stampOf(result: string | null): number | null {
  if (result === null || !result.startsWith("{")) return null;
  const stamp = (JSON.parse(result) as { execution?: unknown }).execution;
  return typeof stamp === "number" ? stamp : null;
}

/**
 * All executions of an action saw the same, as far as each of them came. One that a runner started itself and that died
 * with it, before anybody heard of the call, does not count: nothing that it saw was recorded.
 */
export function findDisagreements(ledger: readonly Entry[], all: readonly Execution[]): string[] {
  const recorded = new Set(ledger.flatMap(({ kind, token }) => (kind === "lease" ? [token] : [])));
  const settled = new Set(ledger.map(({ result }) => stampOf(result)));
  const executions = all.filter(({ token, nth }) => recorded.has(token) || settled.has(nth));
  const longest = new Map<string, Execution>();
  const broken: string[] = [];
  for (const execution of executions) {
    const name = `${execution.run}/${execution.action}`;
    const known = longest.get(name);
    if (known === undefined) {
      longest.set(name, execution);
      continue;
    }
    const [short, long] = known.seen.length < execution.seen.length ? [known, execution] : [execution, known];
    const at = short.seen.findIndex((text, i) => text !== long.seen[i]);
    if (at !== -1)
      broken.push(
        `executions ${short.nth} and ${long.nth} of ${name} disagree at ${at}: ${short.seen[at]} or ${long.seen[at]}`,
      );
    longest.set(name, long);
  }
  return broken;
}
