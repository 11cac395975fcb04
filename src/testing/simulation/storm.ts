import type { SqlDriver } from "../../store/driver.ts";
import type { Chance } from "./chance.ts";
import type { Coordinator, Trip } from "./coordinator.ts";
import { expireLease } from "./expire-lease.ts";
import { CALM, type Weather } from "./network.ts";
import type { SimulatedSystem } from "./system.ts";

type RunnerFault = (typeof RUNNER_FAULTS)[number];
type CoordinatorFault = "kill coordinator" | "stall coordinator";
type Fault = RunnerFault | CoordinatorFault | keyof typeof TRIPS;

/** Faults that hit a coordinator in the middle of its next transactions. */
const TRIPS = {
  "crash in transaction": { at: "statement", effect: "crash" },
  "crash after commit": { at: "commit", effect: "crash" },
  "fail statement": { at: "statement", effect: "error" },
  "fail after commit": { at: "commit", effect: "error" },
} as const satisfies Record<string, Omit<Trip, "after">>;

const RUNNER_FAULTS = [
  "kill runner",
  "stall runner",
  "cut off runner",
  "stop runner",
  "expire runner",
  "expire lease",
] as const;
const FAULTS: readonly Fault[] = [
  ...RUNNER_FAULTS,
  "kill coordinator",
  "stall coordinator",
  ...(Object.keys(TRIPS) as (keyof typeof TRIPS)[]),
];

/** Everything that goes wrong, until it ends and the system has to get over it. */
export class Storm {
  readonly endMs: number;
  readonly #chance: Chance;
  readonly #weather: Weather;
  readonly #kinds: readonly Fault[];
  readonly #everyMs: number;

  /** @param isCalm nothing goes wrong; the system has its moods all the same */
  constructor(chance: Chance, startMs: number, isCalm: boolean) {
    const rate = (high: number): number => (!isCalm && chance.isLucky(0.5) ? chance.number() * high : 0);
    this.#chance = chance;
    this.endMs = startMs + (isCalm ? 0 : chance.int(200, 8_000));
    this.#weather = {
      dropRequest: rate(0.15),
      dropReply: rate(0.15),
      duplicate: rate(0.3),
      delayMs: chance.pick([1, 5, 50, 300]),
      straggle: rate(0.1),
    };
    this.#everyMs = chance.pick([100, 300, 1_000, 3_000]);
    this.#kinds = isCalm ? [] : FAULTS.filter(() => chance.isLucky(0.4));
  }

  weatherAt(nowMs: number): Weather {
    return nowMs < this.endMs ? this.#weather : CALM;
  }

  /** Breaks something now and then. */
  begin(system: SimulatedSystem, driver: SqlDriver): void {
    if (this.#kinds.length === 0) return;
    system.later(this.#chance.number() * 2 * this.#everyMs, "fault", () => {
      if (system.timeline.nowMs >= this.endMs) return;
      this.begin(system, driver);
      this.#strike(system, driver);
    });
  }

  #strike(system: SimulatedSystem, driver: SqlDriver): void {
    const chance = this.#chance;
    const fault = chance.pick(this.#kinds);
    if (system.coordinators.length === 0) return;
    if (isRunnerFault(fault)) {
      if (system.runners.length > 0) this.#strikeRunner(system, driver, fault);
      return;
    }
    const coordinator = chance.pick(system.coordinators);
    if (fault === "kill coordinator" || fault === "stall coordinator")
      return this.#strikeCoordinator(system, coordinator, fault);
    const trip = TRIPS[fault];
    coordinator.trip({ ...trip, after: chance.int(0, trip.at === "commit" ? 3 : 40) });
  }

  #strikeRunner(system: SimulatedSystem, driver: SqlDriver, fault: RunnerFault): void {
    const { process, runner } = this.#chance.pick(system.runners);
    system.count(fault, process.name);
    switch (fault) {
      case "kill runner":
        return process.kill();
      case "stop runner":
        return void runner.stop({ graceMs: this.#chance.pick([0, 0, 100, 1_000]) });
      case "stall runner":
        process.stalledUntilMs = this.#until(system, 10, 6_000);
        return;
      case "cut off runner":
        system.network.cutOffUntilMs.set(process, this.#until(system, 100, 6_000));
        return;
      case "expire runner":
        // It is taken for dead although it lives.
        return void driver.transaction((sql) =>
          sql.run("UPDATE runners SET expires_ms = 0 WHERE id = $1", process.name),
        );
      case "expire lease":
        // Its action is given to somebody else although it is being executed.
        return void expireLease(
          this.#chance.pick(system.coordinators).core,
          process.name,
          this.#chance,
        ).catch(
          // Whoever ended it may be struck as well meanwhile; then the lease goes on.
          (error: unknown) => system.timeline.note(`no lease expired: ${String(error)}`),
        );
    }
  }

  #strikeCoordinator(system: SimulatedSystem, { process }: Coordinator, fault: CoordinatorFault): void {
    system.count(fault, process.name);
    if (fault === "kill coordinator") process.kill();
    else process.stalledUntilMs = this.#until(system, 10, 3_000);
  }

  #until({ timeline }: SimulatedSystem, low: number, high: number): number {
    return Math.min(this.endMs, timeline.nowMs + this.#chance.int(low, high));
  }
}

/** Name of a fault that was set up with `trip` and has happened. */
export function nameOfTrip({ at, effect }: Trip): string {
  const found = Object.entries(TRIPS).find(([, trip]) => trip.at === at && trip.effect === effect);
  return found?.[0] ?? "";
}

function isRunnerFault(fault: Fault): fault is RunnerFault {
  return (RUNNER_FAULTS as readonly string[]).includes(fault);
}
