import type { RunEvent } from "../core/event.ts";
import { ROOT_ACTION } from "../core/identity.ts";
import type { Outcome } from "../core/outcome.ts";
import { isSuccess, isTerminal, type TerminalPhase } from "../core/phase.ts";
import { readOutcomes } from "../store/actions.ts";
import { readEvents } from "../store/events.ts";
import type { RunRow } from "../store/rows.ts";
import { readRuns } from "../store/runs.ts";
import type { EngineCore } from "./core.ts";
import { topics } from "./hub.ts";
import { runNotFound } from "./start.ts";

/** Nobody waits longer than this without looking into the store. */
const LOOK_AGAIN_MS = 1_000;

export async function readRun(core: EngineCore, id: string): Promise<RunRow> {
  const run = await core.driver.read(async (sql) => (await readRuns(sql, [id]))[0]);
  if (run === undefined) throw runNotFound(id);
  return run;
}

/** What an action ended with, or null while it is active. Default: the root, which is the run's outcome. */
export async function readOutcome(
  core: EngineCore,
  run: string,
  action: string = ROOT_ACTION,
): Promise<Outcome | null> {
  const row = await core.driver.read(
    async (sql) => (await readOutcomes(sql, [{ run_id: run, action_id: action }]))[0],
  );
  if (row === undefined || !isTerminal(row.phase) || row.result === null) return null;
  const isOk = isSuccess(row.phase as TerminalPhase);
  return isOk ? { ok: true, value: row.result } : { ok: false, error: JSON.parse(row.result) };
}

/** Waits until a run has ended; gives it as it is then, or as it is when time or the signal ended the wait. */
export async function waitForRun(
  core: EngineCore,
  id: string,
  waitMs: number,
  signal?: AbortSignal,
): Promise<RunRow> {
  const endMs = core.clock.now() + waitMs;
  for (;;) {
    const listener = core.hub.listen([topics.run(id)]);
    try {
      const run = await readRun(core, id);
      const leftMs = endMs - core.clock.now();
      if (run.ended_ms !== null || leftMs <= 0 || signal?.aborted === true) return run;
      await listener.wait(Math.min(leftMs, LOOK_AGAIN_MS), signal);
    } finally {
      listener.stop();
    }
  }
}

/**
 * Events of a run after sequence `after`, in batches; an empty batch says that nothing came for `beatMs`. Ends with
 * the run's last event, or when the signal fires.
 */
export async function* watchEvents(
  core: EngineCore,
  id: string,
  options: { readonly after?: number; readonly beatMs?: number; readonly signal?: AbortSignal } = {},
): AsyncGenerator<readonly RunEvent[], void, void> {
  let after = options.after ?? 0;
  const beatMs = options.beatMs ?? 15_000;
  let quietSinceMs = core.clock.now();
  for (;;) {
    const listener = core.hub.listen([topics.run(id)]);
    try {
      const run = await readRun(core, id);
      const events = await core.driver.read((sql) => readEvents(sql, id, after));
      if (events.length > 0) {
        after = events.at(-1)?.seq ?? after;
        quietSinceMs = core.clock.now();
        yield events;
        if (events.some((event) => event.type === "run" && isTerminal(event.phase))) return;
        continue;
      }
      // The run was read first: if it had ended by then, every event of it was there to be read.
      if (run.ended_ms !== null && after >= run.event_seq) return;
      if (options.signal?.aborted === true) return;
      if (core.clock.now() - quietSinceMs >= beatMs) {
        quietSinceMs = core.clock.now();
        yield [];
      }
      await listener.wait(Math.min(beatMs, LOOK_AGAIN_MS), options.signal);
    } finally {
      listener.stop();
    }
  }
}
