import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import type { SqlDriver } from "../store/driver.ts";
import { Deployments } from "./deployments.ts";
import { Hub } from "./hub.ts";
import { Work } from "./work.ts";

/** How long a runner is believed to live after it was last heard of. */
export const LEASE_MS = 30_000;

export interface EngineParts {
  readonly driver: SqlDriver;
  readonly clock: Clock;
  readonly random: Random;
  /** Default {@link LEASE_MS}. */
  readonly leaseMs?: number;
}

/** What every verb works with: the store, time, chance, and whom to wake. It holds no truth, only what never changes. */
export class EngineCore {
  readonly driver: SqlDriver;
  readonly clock: Clock;
  readonly random: Random;
  readonly hub: Hub;
  readonly leaseMs: number;
  readonly deployments: Deployments = new Deployments();

  constructor(parts: EngineParts) {
    this.driver = parts.driver;
    this.clock = parts.clock;
    this.random = parts.random;
    this.leaseMs = parts.leaseMs ?? LEASE_MS;
    this.hub = new Hub(parts.clock);
  }

  /**
   * Runs a verb in one transaction that holds the locks of `runIds`, and notifies when it has committed.
   *
   * @param except a topic nobody needs to hear: whoever listens to it is being answered right now
   */
  async work<Result>(
    runIds: Iterable<string>,
    verb: (work: Work) => Promise<Result>,
    except?: string,
  ): Promise<Result> {
    let notices: ReadonlySet<string> = new Set();
    const result = await this.driver.transaction(async (sql) => {
      const work = new Work(sql, {
        nowMs: this.clock.now(),
        random: this.random,
        deployments: this.deployments,
      });
      await work.lock(runIds);
      const done = await verb(work);
      await work.flush();
      notices = work.notices;
      return done;
    });
    for (const topic of notices) {
      if (topic === except) continue;
      this.hub.notify(topic);
      this.driver.hint(topic);
    }
    return result;
  }
}
