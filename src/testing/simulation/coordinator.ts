import { EngineCore } from "../../engine/core.ts";
import type { SqlDriver } from "../../store/driver.ts";
import type { Chance } from "./chance.ts";
import { type Disturbance, disturbed, type Rewrite } from "./database.ts";
import type { Process, Timeline } from "./timeline.ts";

/** One stateless coordinator: an engine and its hub, over the store that all share. */
export interface Coordinator {
  readonly process: Process;
  readonly core: EngineCore;
  /** Fails soon: at one of its next statements, or right after one of its next commits. */
  trip(fault: Trip): void;
}

/** `crash`: the process dies there; `error`: the database refuses and the process goes on. */
export interface Trip {
  readonly at: "statement" | "commit";
  readonly effect: "crash" | "error";
  /** How many statements or commits from now. */
  readonly after: number;
}

export interface CoordinatorParts {
  readonly timeline: Timeline;
  readonly process: Process;
  readonly chance: Chance;
  readonly driver: SqlDriver;
  readonly leaseMs: number;
  readonly rewrite: Rewrite | null;
  readonly hasSingleWriter: boolean;
  /** Probability that others go first between two transactions. */
  readonly yieldRate: number;
  onTrip(trip: Trip): void;
}

export function startCoordinator(parts: CoordinatorParts): Coordinator {
  const { timeline, process, chance, driver, leaseMs } = parts;
  let trip: Trip | null = null;
  let left = 0;
  const pass = (at: Trip["at"]): void => {
    if (!process.isAlive) throw new Error(`${process.name} is dead`);
    if (trip === null || trip.at !== at || left-- > 0) return;
    const { effect } = trip;
    parts.onTrip(trip);
    trip = null;
    if (effect === "crash") process.kill();
    throw new Error(effect === "crash" ? `${process.name} died` : "the database refused");
  };
  const disturbance: Disturbance = {
    onStatement: (isInTransaction) => {
      if (isInTransaction) pass("statement");
      else if (!process.isAlive) throw new Error(`${process.name} is dead`);
    },
    onCommitted: () => pass("commit"),
    gate: async () => {
      if (chance.isLucky(parts.yieldRate)) {
        await new Promise<void>((resolve) => {
          timeline.after(process, chance.number() * 10, "yield", resolve);
        });
      }
      if (!process.isAlive) throw new Error(`${process.name} is dead`);
    },
  };
  const { rewrite, hasSingleWriter } = parts;
  const core = new EngineCore({
    driver: disturbed(driver, disturbance, { rewrite, hasSingleWriter }),
    clock: timeline.clockOf(process),
    random: chance.random(process.name),
    leaseMs,
  });
  return {
    process,
    core,
    trip: (next) => {
      trip = next;
      left = next.after;
    },
  };
}
