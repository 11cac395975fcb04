import type { EngineCore } from "../../engine/core.ts";
import { failAttempts } from "../../engine/failure.ts";
import { readLeased, readLeasesOf } from "../../store/leases.ts";
import type { Chance } from "./chance.ts";

/**
 * Ends one lease of a runner that lives and is believed to live: its action goes to somebody else while it is being
 * executed, and the only thing between the late outcome and the run is the fence.
 */
export async function expireLease(core: EngineCore, runnerId: string, chance: Chance): Promise<void> {
  const leases = await core.driver.read((sql) => readLeasesOf(sql, runnerId, 100));
  if (leases.length === 0) return;
  const { run_id, token } = chance.pick(leases);
  await core.work([run_id], async (work) => {
    const held = (await readLeased(work.sql, [token]))[0];
    if (held === undefined) return;
    const message = `the lease of ${held.task} was ended early`;
    const error = {
      code: "RUNNER_LOST",
      kind: "system",
      retryable: true,
      name: "InterruptedError",
      message,
    } as const;
    const row = work.adopt(held);
    await failAttempts(work, [{ row, runnerId, error, startedMs: held.started_ms, endedMs: work.nowMs }]);
  });
}
