import { encodeValue } from "../../core/value.ts";
import { abort } from "../../engine/abort.ts";
import type { EngineCore } from "../../engine/core.ts";
import { signal } from "../../engine/signal.ts";
import { startRun } from "../../engine/start.ts";
import { tick } from "../../engine/tick.ts";
import { Chance } from "./chance.ts";
import type { Coordinator } from "./coordinator.ts";
import type { Rewrite, SimulatedDatabase } from "./database.ts";
import { Evidence } from "./evidence.ts";
import { findBroken, findLeftovers } from "./invariants.ts";
import type { Program } from "./program.ts";
import { Storm } from "./storm.ts";
import { SimulatedSystem } from "./system.ts";
import { judge, type StartedRun } from "./verdict.ts";

/** A run to start. */
export interface PlannedRun {
  readonly program: Program;
  readonly suspend: "auto" | "always" | "never";
  readonly actionLimit: number | null;
  readonly isStrict: boolean;
  readonly startMs: number;
  /** When somebody aborts it; null: nobody does. */
  readonly abortMs: number | null;
}

/** Runs that share runners, concurrency keys and cache. */
export interface Plan {
  readonly runs: readonly PlannedRun[];
}

export interface SimulationOptions {
  readonly database: SimulatedDatabase;
  readonly seed: number;
  readonly plan: Plan;
  /** False: nothing goes wrong. Default true. */
  readonly hasFaults?: boolean;
  /** Breaks a rule on purpose. */
  readonly rewrite?: Rewrite;
  /** Keeps a note of every step. */
  readonly isVerbose?: boolean;
}

export interface Report {
  /** Rules that were broken. */
  readonly violations: readonly string[];
  /** What went wrong on purpose, and how often. */
  readonly faults: ReadonlyMap<string, number>;
  /** The same seed has the same one. */
  readonly fingerprint: number;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly executions: number;
  /** Every step, when they were kept. */
  readonly notes: readonly string[];
}

const START_MS = Date.UTC(2030, 0, 1);
/** Every run ends within this time after the last fault. */
const PATIENCE_MS = 120_000;
const MAX_STEPS = 400_000;

/**
 * Runs a plan once in a system of real engines and runners, under everything that the seed has go wrong, and tells
 * which rules were broken. The same seed and plan do the same, step by step.
 *
 * @example
 * const database = await SimulatedDatabase.open();
 * const { violations } = await simulate({ database, seed: 1, plan: { runs: [] } });
 */
export async function simulate(options: SimulationOptions): Promise<Report> {
  await options.database.wipe();
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #chance: Chance;
  readonly #storm: Storm;
  readonly #system: SimulatedSystem;
  readonly #evidence = new Evidence();
  readonly #runs: StartedRun[];
  readonly #violations: string[] = [];

  constructor(options: SimulationOptions) {
    const { seed, plan, database, rewrite = null, hasFaults = true, isVerbose = false } = options;
    this.#options = options;
    this.#chance = new Chance(seed);
    this.#storm = new Storm(this.#chance.fork(), START_MS, !hasFaults);
    this.#system = new SimulatedSystem({
      chance: this.#chance.fork(),
      driver: database.driver,
      startMs: START_MS,
      storm: this.#storm,
      rewrite,
      evidence: this.#evidence,
    });
    if (isVerbose) this.#system.timeline.notes = [];
    this.#runs = plan.runs.map((one) => ({ plan: one, id: null, isAborted: false }));
  }

  async run(): Promise<Report> {
    const system = this.#system;
    const { timeline } = system;
    system.start();
    for (const run of this.#runs) system.later(run.plan.startMs, "start run", () => void this.#start(run));
    this.#storm.begin(system, this.#options.database.driver);
    this.#planAnswers();
    this.#planTick();
    await this.#until(this.#storm.endMs + PATIENCE_MS, () => this.#haveEnded());
    if (this.#violations.length === 0 && !(await this.#haveEnded()))
      this.#violations.push(`not every run ended: ${await this.#describe()}`);
    // What ended actions left behind goes by itself, when its time comes or somebody looks at it.
    const isClean = async (): Promise<boolean> => (await this.#leftovers()).length === 0;
    if (this.#violations.length === 0) await this.#until(timeline.nowMs + PATIENCE_MS, isClean);
    if (this.#violations.length === 0)
      this.#violations.push(...(await judge(this.#options.database, this.#evidence, this.#runs)));
    system.stop();
    return {
      violations: this.#violations,
      faults: system.faults,
      fingerprint: timeline.fingerprint,
      steps: timeline.steps,
      simulatedMs: Math.round(timeline.nowMs - START_MS),
      executions: this.#evidence.executions.length,
      notes: timeline.notes ?? [],
    };
  }

  /** Goes on until something is true or time is up, and looks for broken rules on the way. */
  async #until(endMs: number, isDone: () => Promise<boolean>): Promise<void> {
    const { timeline } = this.#system;
    for (let checkAt = timeline.steps; timeline.nowMs < endMs; ) {
      if (!(await timeline.step())) return;
      if (timeline.steps < checkAt) continue;
      checkAt = timeline.steps + this.#chance.int(20, 120);
      this.#violations.push(...(await this.#options.database.driver.read(findBroken)));
      if (timeline.steps > MAX_STEPS) this.#violations.push(`no end after ${timeline.steps} steps`);
      if (this.#violations.length > 0 || (await isDone())) return;
    }
  }

  #leftovers(): Promise<string[]> {
    return this.#options.database.driver.read(findLeftovers);
  }

  async #haveEnded(): Promise<boolean> {
    if (this.#runs.some(({ id }) => id === null)) return false;
    const active = await this.#options.database.driver.read((sql) =>
      sql.all("SELECT 1 AS found FROM runs WHERE ended_ms IS NULL LIMIT 1"),
    );
    return active.length === 0;
  }

  async #describe(): Promise<string> {
    const active = await this.#options.database.driver.read((sql) =>
      sql.all(
        `SELECT a.run_id, id, kind, phase, children, settled, waits, token, runner_id, grant_id FROM actions a
         LEFT JOIN leases l ON l.run_id = a.run_id AND l.action_id = a.id WHERE ended_ms IS NULL`,
      ),
    );
    return JSON.stringify(active);
  }

  async #start(run: StartedRun): Promise<void> {
    const { program, suspend, isStrict, actionLimit, abortMs } = run.plan;
    try {
      run.id = await this.#ask((core) =>
        startRun(core, {
          task: "sim.node",
          input: encodeValue({ program }),
          deployment: "d1",
          pool: "d1",
          suspendMode: suspend,
          strict: isStrict,
          ...(actionLimit !== null && { actionLimit }),
        }),
      );
      if (abortMs !== null) this.#system.later(abortMs, "abort run", () => void this.#abort(run));
    } catch {
      this.#system.later(50, "start run again", () => void this.#start(run));
    }
  }

  async #abort(run: StartedRun): Promise<void> {
    const { id } = run;
    if (id === null) return;
    run.isAborted = true;
    try {
      await this.#ask((core) => abort(core, { run: id }));
    } catch {
      this.#system.later(50, "abort again", () => void this.#abort(run));
    }
  }

  #planTick(): void {
    this.#system.later(this.#chance.int(5, 400), "tick", () => {
      this.#planTick();
      void this.#try("tick", (core) => tick(core));
    });
  }

  /** Somebody answers open conditions, some of them twice. */
  #planAnswers(): void {
    this.#system.later(this.#chance.int(20, 1_500), "answer", () => {
      this.#planAnswers();
      void this.#answer();
    });
  }

  async #answer(): Promise<void> {
    const open = await this.#options.database.driver.read((sql) =>
      sql.all<{ run_id: string; action_id: string; name: string }>(
        `SELECT c.run_id, c.action_id, c.name FROM conditions c
         JOIN actions a ON a.run_id = c.run_id AND a.id = c.action_id WHERE a.phase = 'paused'
         ORDER BY c.run_id, c.action_id LIMIT 5`,
      ),
    );
    for (const { run_id: run, action_id, name } of open) {
      if (this.#chance.isLucky(0.3)) continue;
      const condition = this.#chance.isLucky(0.5) ? name : action_id;
      for (let times = this.#chance.isLucky(0.3) ? 2 : 1; times > 0; times--) {
        const answer = encodeValue(this.#chance.int(1, 2));
        await this.#try("answer", (core) => signal(core, { run, condition, answer }));
      }
    }
  }

  async #try(label: string, verb: (core: EngineCore) => Promise<unknown>): Promise<void> {
    try {
      await this.#ask(verb);
    } catch (error) {
      this.#system.timeline.note(`${label} failed ${String(error)}`);
    }
  }

  /** Asks some coordinator for something; one that dies answers with an error, as a cut connection does. */
  #ask<Result>(verb: (core: EngineCore) => Promise<Result>): Promise<Result> {
    const { coordinators } = this.#system;
    if (coordinators.length === 0) return Promise.reject(new Error("nobody there"));
    const { core, process }: Coordinator = this.#chance.pick(coordinators);
    return new Promise((resolve, reject) => {
      const forget = process.onDeath(() => reject(new Error(`${process.name} died`)));
      verb(core).then(resolve, reject).finally(forget);
    });
  }
}
