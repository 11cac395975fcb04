import type { LogLine } from "../core/protocol.ts";
import type { EngineCore } from "../engine/core.ts";
import { Run } from "../sdk/run.ts";
import type { RunHandle } from "../sdk/starter.ts";
import { type AttemptRow, readAttempts } from "../store/attempts.ts";
import { type DivergenceRow, readDivergences } from "../store/divergences.ts";
import { type ListedAction, listActions } from "../store/list-actions.ts";
import { listLogs } from "../store/logs.ts";
import { nameOf, type TaskName } from "./test-tasks.ts";

const ALL = 1_000_000;

/** A run in a harness, with what a test may want to know of it. */
export class TestRun<Output> extends Run<Output> {
  readonly #core: EngineCore;

  /** @internal */
  constructor(core: EngineCore, handle: RunHandle) {
    super(handle);
    this.#core = core;
  }

  /** Its actions in the order in which they were called, all of them or those of a task. */
  actions(task?: TaskName): Promise<ListedAction[]> {
    const name = task === undefined ? null : nameOf(task);
    const filter = { runId: this.id, parent: null, phases: [], task: name };
    return this.#core.driver.read((sql) => listActions(sql, filter, { after: null, limit: ALL }));
  }

  /** Attempts of an action that did not end it with success. */
  attempts(action: string): Promise<AttemptRow[]> {
    return this.#core.driver.read((sql) => readAttempts(sql, this.id, action));
  }

  /** Replays that left the recorded path. */
  divergences(): Promise<DivergenceRow[]> {
    return this.#core.driver.read((sql) => readDivergences(sql, this.id));
  }

  /** What its tasks logged and printed, in the order in which it was written. */
  async logs(action?: string): Promise<LogLine[]> {
    const filter = { runId: this.id, action: action ?? null, attempt: null };
    const chunks = await this.#core.driver.read((sql) => listLogs(sql, filter, { after: null, limit: ALL }));
    return chunks.flatMap(({ body }) => JSON.parse(body) as LogLine[]);
  }
}
