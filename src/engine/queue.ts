import { rankOf, virtualTimes } from "../core/fairness.ts";
import { headOfQueue, insertQueue, tailOfRun } from "../store/queue.ts";
import type { ActionRow, QueueRow } from "../store/rows.ts";
import { optionsOf } from "./action-options.ts";
import { isPrivatePool, topics } from "./hub.ts";
import { acquireLimits } from "./limits.ts";
import type { Work } from "./work.ts";

/**
 * Queues actions for execution, or has them wait for a concurrency key. An isolated action goes to a queue of its
 * own (`pool!`), from which only an idle runner takes, one at a time.
 */
export async function enqueue(work: Work, rows: readonly ActionRow[]): Promise<void> {
  const free = await acquireLimits(work, rows);
  const groups = new Map<string, { pool: string; rank: number; rows: ActionRow[] }>();
  for (const row of free) {
    const pool = row.isolated === 1 ? isolatedPool(row.pool) : row.pool;
    const rank = rankOf(optionsOf(row).priority ?? work.run(row.run_id).priority);
    const name = `${row.run_id} ${pool} ${rank}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { pool, rank, rows: [row] });
    else group.rows.push(row);
  }
  for (const group of groups.values()) await queueGroup(work, group);
}

async function queueGroup(
  work: Work,
  group: { pool: string; rank: number; rows: ActionRow[] },
): Promise<void> {
  const { pool, rank, rows } = group;
  const runId = rows[0]?.run_id ?? "";
  const tail = await tailOfRun(work.sql, runId);
  const head = await headOfQueue(work.sql, pool, rank);
  const times = virtualTimes({ tail, head, weight: work.run(runId).weight }, rows.length);
  const queued: QueueRow[] = rows.map((row, i) => ({
    pool,
    rank,
    vtime: times[i] ?? 0,
    run_id: runId,
    action_id: row.id,
  }));
  await insertQueue(work.sql, queued);
  for (const row of rows) markQueued(work, row);
  work.notices.add(topics.pool(pool));
  if (!isPrivatePool(pool)) work.notices.add(topics.sharedPools);
}

function markQueued(work: Work, row: ActionRow): void {
  // A new call was inserted as queued already.
  if (row.phase === "queued")
    work.emit(row.run_id, { action: row.id, phase: "queued", attempt: row.attempt });
  else {
    row.queued_ms = work.nowMs;
    work.move(row, "queued");
  }
  const queuedMs = optionsOf(row).limits?.queuedMs;
  if (queuedMs === undefined) return;
  const attempt = row.user_failures + row.system_failures + 1;
  work.remind(row, { kind: "queue_limit", due_ms: work.nowMs + queuedMs, attempt });
}

/** The queue from which an action is executed alone. */
export function isolatedPool(pool: string): string {
  return `${pool}!`;
}
