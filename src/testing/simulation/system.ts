import { Runner } from "../../runner/runner.ts";
import type { Session } from "../../runner/session.ts";
import { currentSession } from "../../sdk/session.ts";
import type { SqlDriver } from "../../store/driver.ts";
import type { Chance } from "./chance.ts";
import { type Coordinator, startCoordinator } from "./coordinator.ts";
import type { Rewrite } from "./database.ts";
import type { Evidence } from "./evidence.ts";
import { implementationOf, type Stage } from "./interpreter.ts";
import { Network } from "./network.ts";
import { nameOfTrip, type Storm } from "./storm.ts";
import { Process, Timeline } from "./timeline.ts";

const LEASE_MS = 3_000;

export interface LiveRunner {
  readonly process: Process;
  readonly runner: Runner;
}

export interface SystemParts {
  readonly chance: Chance;
  readonly driver: SqlDriver;
  readonly startMs: number;
  readonly storm: Storm;
  readonly rewrite: Rewrite | null;
  readonly evidence: Evidence;
}

/** Coordinators and runners, with a network between them and time that stands still until it is moved. Who dies is replaced. */
export class SimulatedSystem {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly faults: Map<string, number> = new Map();
  readonly #parts: SystemParts;
  readonly #chance: Chance;
  /** Who starts, asks and breaks things. */
  readonly #world = new Process("world");
  readonly #yieldRate: number;
  readonly #hasSingleWriter: boolean;
  readonly #slots: number;
  #coordinators: Coordinator[] = [];
  #runners: LiveRunner[] = [];
  #born = 0;

  constructor(parts: SystemParts) {
    const { chance, startMs, storm } = parts;
    this.#parts = parts;
    this.#chance = chance;
    this.timeline = new Timeline({
      startMs,
      chance: chance.fork(),
      isFair: chance.isLucky(0.5),
      lag: chance.isLucky(0.4) ? chance.number() * 0.2 : 0,
    });
    this.#yieldRate = chance.pick([0, 0.1, 0.5]);
    this.#hasSingleWriter = chance.isLucky(0.6);
    this.#slots = chance.pick([1, 2, 3, 10]);
    this.network = new Network({
      timeline: this.timeline,
      chance: chance.fork(),
      process: new Process("network"),
      coordinators: () => this.#coordinators,
      weather: () => storm.weatherAt(this.timeline.nowMs),
      count: (fault) => this.count(fault),
    });
  }

  get coordinators(): readonly Coordinator[] {
    return this.#coordinators;
  }

  get runners(): readonly LiveRunner[] {
    return this.#runners;
  }

  start(): void {
    for (let i = this.#chance.int(1, 3); i > 0; i--) this.#startCoordinator();
    for (let i = this.#chance.int(1, 3); i > 0; i--) this.#startRunner();
  }

  /** Nothing happens any more. */
  stop(): void {
    this.#world.kill();
    for (const { process } of [...this.#runners, ...this.#coordinators]) process.kill();
  }

  later(delayMs: number, label: string, run: () => void): void {
    this.timeline.after(this.#world, delayMs, label, run);
  }

  /** Notes a fault that happened. */
  count(fault: string, whom = ""): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
    this.timeline.note(`FAULT ${fault} ${whom}`);
  }

  #startCoordinator(): void {
    const process = new Process(`c${++this.#born}`);
    const coordinator = startCoordinator({
      timeline: this.timeline,
      process,
      chance: this.#chance.fork(),
      driver: this.#parts.driver,
      leaseMs: LEASE_MS,
      rewrite: this.#parts.rewrite,
      hasSingleWriter: this.#hasSingleWriter,
      yieldRate: this.#yieldRate,
      onTrip: (trip) => this.count(nameOfTrip(trip), process.name),
    });
    this.#coordinators.push(coordinator);
    process.onDeath(() => {
      this.#coordinators = this.#coordinators.filter((other) => other !== coordinator);
      this.later(this.#chance.int(0, 500), "start coordinator", () => this.#startCoordinator());
    });
  }

  #startRunner(): void {
    const process = new Process(`w${++this.#born}`);
    const chance = this.#chance.fork();
    const stage = (): Stage => this.#stageOf(process, chance);
    const runner = new Runner({
      id: process.name,
      transport: this.network.transportOf(process),
      tasks: { find: async (_deployment, task) => implementationOf(task, stage) },
      pools: ["*"],
      slots: this.#slots,
      backend: "local",
      host: "simulation",
      pid: this.#born,
      clock: this.timeline.clockOf(process),
      random: chance.random(process.name),
      startUpMs: chance.pick([0, 5, 50]),
      pollMs: chance.pick([500, 2_000]),
    });
    const live = { process, runner };
    this.#runners.push(live);
    runner.start();
    const replace = (): void => {
      if (!this.#runners.includes(live)) return;
      this.#runners = this.#runners.filter((other) => other !== live);
      this.later(this.#chance.int(0, 1_000), "start runner", () => this.#startRunner());
    };
    process.onDeath(replace);
    void runner.done.then(replace);
  }

  #stageOf(process: Process, chance: Chance): Stage {
    const { grant } = currentSession() as Session;
    const { run, action, task, lease, attempt } = grant;
    this.timeline.note(`${process.name} executes ${lease} ${grant.input}`);
    const of = { run, action, task, token: lease, attempt, runner: process.name };
    return {
      execution: this.#parts.evidence.begin(of),
      wait: (ms) =>
        new Promise((resolve) => {
          this.timeline.after(process, (0.5 + chance.number() / 2) * ms, "wait", resolve);
        }),
    };
  }
}
