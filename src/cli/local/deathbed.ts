import { GodwitError } from "../../core/errors.ts";
import { abort } from "../../engine/abort.ts";
import { type Death, loseRunner } from "../../engine/lost.ts";
import { readRun } from "../../engine/read.ts";
import { openLocal } from "../../local/system.ts";
import { DeathListener } from "../../runner/death.ts";
import { readLeasesOf } from "../../store/leases.ts";

/** How Node ends when nothing is left to do, although something is still awaited. */
const UNSETTLED_AWAIT: readonly (number | null)[] = [0, 13];

/** What is known of a process that died. */
export interface Deceased {
  readonly runner: string | undefined;
  readonly dataDir: string | undefined;
  readonly run: string | undefined;
  readonly hasUnknown: boolean;
  readonly isOverdue: boolean;
}

/** The end of an executing process: how it died, and what becomes of what it held. */
export class Deathbed extends DeathListener {
  #code: number | null = null;
  #signal: NodeJS.Signals | null = null;

  end(code: number | null, signal: NodeJS.Signals | null): void {
    this.#code = code;
    this.#signal = signal;
  }

  /** How it died, for the store and for people. */
  causeOf({ hasUnknown: isAmbiguous, isOverdue }: Deceased): Death {
    if (isOverdue) return { kind: "killed", detail: "it stood still beyond a time limit", isAmbiguous };
    return { ...this.death(this.#code, this.#signal), isAmbiguous };
  }

  /**
   * Blames whatever it held, or aborts its run when the user wanted the end. `exitCode`: nothing is left to do.
   *
   * @throws GodwitError when it died before it had a run
   */
  async bury(
    deceased: Deceased,
    interruptCode: number | undefined,
  ): Promise<{ readonly exitCode?: number; readonly hadWork: boolean }> {
    const { runner, run, dataDir } = deceased;
    if (runner === undefined || run === undefined) {
      if (interruptCode !== undefined) return { exitCode: interruptCode, hadWork: false };
      throw this.#stillbirth();
    }
    const system = await openLocal({ dataDir });
    try {
      const hadWork = (await system.core.driver.read((sql) => readLeasesOf(sql, runner, 1))).length > 0;
      if (interruptCode !== undefined && (await readRun(system.core, run)).ended_ms === null) {
        await abort(system.core, { run, reason: "interrupted" });
      }
      await loseRunner(system.core, runner, this.causeOf(deceased));
      return interruptCode === undefined ? { hadWork } : { exitCode: interruptCode, hadWork };
    } finally {
      await system.close();
    }
  }

  #stillbirth(): GodwitError {
    if (UNSETTLED_AWAIT.includes(this.#code)) {
      return new GodwitError(
        "MODULE_LOAD_FAILED",
        "the file waits for ever: an `await` at its top level never settles",
      );
    }
    if (this.isOutOfMemory) {
      return new GodwitError("MODULE_LOAD_FAILED", "the memory was used up while the file was loaded");
    }
    const how = this.#signal === null ? `with exit code ${this.#code}` : `by ${this.#signal}`;
    return new GodwitError("MODULE_LOAD_FAILED", `the process ended ${how} while the file was loaded`, {
      hint: "Look for `process.exit` or a native crash in code that runs when the file is imported.",
    });
  }
}
