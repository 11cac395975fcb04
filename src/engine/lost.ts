import type { ErrorRecord } from "../core/outcome.ts";
import { type LeasedAction, readLeasedTo, readLeasesOf } from "../store/leases.ts";
import { movePool } from "../store/queue.ts";
import type { RunRow } from "../store/rows.ts";
import { deleteRunner, readRunner, readRunners } from "../store/runners.ts";
import type { EngineCore } from "./core.ts";
import { type FailedLease, failAttempts } from "./failure.ts";
import { privatePool, topics } from "./hub.ts";
import { isolatedPool } from "./queue.ts";
import type { Work } from "./work.ts";

/** How a runner died, when somebody saw it. */
export interface Death {
  readonly kind: "out_of_memory" | "exited" | "killed" | "silent";
  /** For people: exit code, signal. */
  readonly detail: string;
  /**
   * The runner was executing something that it had not reported yet (a child it started itself), so nothing that is
   * known here can be blamed: everything is executed again, alone.
   */
  readonly isAmbiguous?: boolean;
}

const BATCH = 500;

/**
 * Declares a runner lost: its leases end, and its actions are queued again on the system budget.
 *
 * A death that somebody saw and that was not the machine's is the fault of an action. When only one can have caused
 * it, that one fails; otherwise all of them are executed again, each alone, so that the next death has one suspect.
 */
export async function loseRunner(core: EngineCore, runnerId: string, death: Death): Promise<void> {
  for (;;) {
    const leases = await core.driver.read((sql) => readLeasesOf(sql, runnerId, BATCH));
    if (leases.length === 0) break;
    await core.work(
      leases.map((lease) => lease.run_id),
      async (work) => {
        const tokens = leases.map((lease) => lease.token);
        const leased = await readLeasedTo(work.sql, runnerId, tokens);
        await endLeases(work, leased, { runnerId, death, isWhole: leases.length < BATCH });
      },
    );
  }
  await core.driver.transaction(async (sql) => {
    const runner = await readRunner(sql, runnerId);
    // A lease granted after the last look keeps the runner; the next tick sees both again.
    if (runner === undefined || (await readLeasesOf(sql, runnerId, 1)).length > 0) return;
    await deleteRunner(sql, runnerId);
  });
  await rehome(core, runnerId);
}

async function endLeases(
  work: Work,
  leased: readonly LeasedAction[],
  of: { runnerId: string; death: Death; isWhole: boolean },
): Promise<void> {
  const isUserFault = of.death.kind === "out_of_memory" || of.death.kind === "exited";
  const isAmbiguous = of.death.isAmbiguous === true;
  const isolated = leased.filter((row) => row.isolated === 1);
  const blamed =
    !isUserFault || isAmbiguous || !of.isWhole
      ? undefined
      : leased.length === 1
        ? leased[0]
        : isolated.length === 1
          ? isolated[0]
          : undefined;
  const failures = leased.map((held): FailedLease => {
    const row = work.adopt(held);
    const isOverdue = held.must_end_ms !== null && held.must_end_ms <= work.nowMs;
    const error =
      row.id === blamed?.id && row.run_id === blamed.run_id
        ? fault(row.task, of.death)
        : isOverdue
          ? overdue(row.task)
          : lost(row.task, of.death);
    // An unseen death may be the machine's; it makes a suspect only of what has seen several.
    const isSuspect = ((isUserFault || isAmbiguous) && blamed === undefined) || row.system_streak >= 2;
    if (isSuspect && error.kind === "system") row.isolated = 1;
    return { row, runnerId: of.runnerId, error, startedMs: row.started_ms, endedMs: work.nowMs };
  });
  await failAttempts(work, failures);
}

function fault(task: string, death: Death): ErrorRecord {
  if (death.kind === "out_of_memory") {
    const message = `${task} used up the memory of its runner (${death.detail})`;
    return { code: "OUT_OF_MEMORY", kind: "user", retryable: true, name: "OutOfMemoryError", message, task };
  }
  const message = `${task} ended the process it ran in (${death.detail})`;
  return { code: "PROCESS_EXITED", kind: "user", retryable: true, name: "GodwitError", message, task };
}

function overdue(task: string): ErrorRecord {
  const message = `${task} ran longer than its time limit and did not react`;
  return { code: "TIME_LIMIT", kind: "user", retryable: true, name: "TimeLimitError", message, task };
}

function lost(task: string, death: Death): ErrorRecord {
  const message = `the runner of ${task} was lost (${death.detail})`;
  return { code: "RUNNER_LOST", kind: "system", retryable: true, name: "InterruptedError", message, task };
}

/**
 * The runs of this runner alone move to the pool of their deployment, where any other runner finds them: what is
 * queued now, and whatever is queued later by a timer, an answer or a settled call.
 */
async function rehome(core: EngineCore, runnerId: string): Promise<void> {
  const pool = privatePool(runnerId);
  const runs = await core.driver.read((sql) =>
    sql.all<Pick<RunRow, "id" | "deployment">>(
      "SELECT id, deployment FROM runs WHERE pool = $1 AND ended_ms IS NULL",
      pool,
    ),
  );
  for (const { id, deployment } of runs) {
    // Under the run's lock, so that nothing is queued for the old pool meanwhile.
    await core.work([id], async ({ sql }) => {
      await movePool(sql, { from: isolatedPool(pool), run: id, to: isolatedPool(deployment) });
      await movePool(sql, { from: pool, run: id, to: deployment });
    });
  }
  if (runs.length > 0) core.hub.notify(topics.sharedPools);
}

/**
 * Declares the runners of this machine lost whose process is gone: a restarted server need not wait for their leases.
 * Only those of a backend that shares the ids of its processes with this one: containers may share no more than a name.
 */
export async function loseDeadRunners(
  core: EngineCore,
  at: { readonly backend: string; readonly host: string },
  isAlive: (pid: number) => boolean,
): Promise<number> {
  const runners = await core.driver.read((sql) => readRunners(sql));
  const dead = runners.filter(
    ({ backend, host, pid }) => backend === at.backend && host === at.host && !isAlive(pid),
  );
  for (const runner of dead)
    await loseRunner(core, runner.id, { kind: "killed", detail: `its process ${runner.pid} is gone` });
  return dead.length;
}
