import type { EventError, RunEvent } from "../core/event.ts";
import type { Phase } from "../core/phase.ts";
import { readActions } from "./actions.ts";
import type { Sql } from "./driver.ts";
import { keyOf } from "./rows.ts";

/**
 * An event as it is stored: what the action's own row does not tell. One row holds all events of one transaction,
 * because a row per event would cost as much as the action itself. An empty action id stands for the run.
 */
export type StoredEvent = readonly [
  atMs: number,
  action: string,
  phase: Phase,
  attempt: number,
  error?: EventError,
];

/** Appends a block of events whose last one has sequence `lastSeq`. */
export async function appendEvents(
  sql: Sql,
  runId: string,
  lastSeq: number,
  events: readonly StoredEvent[],
): Promise<void> {
  await sql.run(
    "INSERT INTO events (run_id, seq, body) VALUES ($1, $2, $3)",
    runId,
    lastSeq,
    JSON.stringify(events),
  );
}

const BLOCKS_PER_READ = 20;

/** Events after `after`, in order; at most a few blocks at a time. An empty list: nothing new. */
export async function readEvents(sql: Sql, runId: string, after: number): Promise<RunEvent[]> {
  const blocks = await sql.all<{ seq: number; body: string }>(
    "SELECT seq, body FROM events WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
    runId,
    after,
    BLOCKS_PER_READ,
  );
  const numbered: { seq: number; event: StoredEvent }[] = [];
  for (const block of blocks) {
    const events = JSON.parse(block.body) as StoredEvent[];
    for (const [i, event] of events.entries()) {
      const seq = block.seq - events.length + 1 + i;
      if (seq > after) numbered.push({ seq, event });
    }
  }
  return describe(sql, runId, numbered);
}

async function describe(
  sql: Sql,
  runId: string,
  numbered: { seq: number; event: StoredEvent }[],
): Promise<RunEvent[]> {
  const ids = new Set(numbered.map(({ event }) => event[1]).filter((id) => id !== ""));
  const rows = await readActions(
    sql,
    [...ids].map((id) => ({ run_id: runId, action_id: id })),
  );
  const known = new Map(rows.map((row) => [keyOf(row.run_id, row.id), row]));
  return numbered.flatMap(({ seq, event: [atMs, action, phase, attempt, error] }): RunEvent[] => {
    const failed = error === undefined ? {} : { error };
    if (action === "") return [{ type: "run", seq, atMs, phase, ...failed }];
    const row = known.get(keyOf(runId, action));
    if (row === undefined) return [];
    const group = row.group_name === null ? {} : { group: row.group_name };
    const { parent_id: parent, task, kind } = row;
    return [{ type: "action", seq, atMs, action, parent, task, kind, phase, attempt, ...group, ...failed }];
  });
}
