import type { SuspendMode, Transport } from "../core/protocol.ts";
import type { ValueOptions } from "../runner/values.ts";
import type { RunSettings } from "../sdk/starter.ts";
import type { AnyTask } from "../sdk/task.ts";
import type { TaskName } from "./test-tasks.ts";

/** What a harness is made of. */
export interface HarnessOptions {
  /**
   * `skip` (default): time stands still while something happens; while somebody waits for a run, it skips to whatever
   * is due next. `manual`: only `advance` moves it. `real`: the clock of the machine.
   */
  readonly clock?: "skip" | "manual" | "real";
  /** What the fake clock starts at (epoch ms). Default: the start of 2030. */
  readonly startMs?: number;
  /** Runners. Default 1. */
  readonly runners?: number;
  /** Actions that each runner executes at once. Default 100. */
  readonly slots?: number;
  /** When waiting parents are parked. Default `auto`; `always` replays as often as possible. */
  readonly suspend?: SuspendMode;
  /** Where data is kept: `:memory:` (default), a folder, or a `postgres://` URL. */
  readonly store?: string;
  /** Tasks there are. Default: all that were defined in this process. */
  readonly tasks?: readonly AnyTask[];
  /** Secrets by name, the same in every project and domain. Default: none. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** How long each runner lives, as on a backend with a time limit. Default: for ever. */
  readonly runnerLifeMs?: number;
  /** Where files and large values are. Default: no files, and all values inline. */
  readonly values?: ValueOptions;
  /** Wraps the runners' way to the engine, for example to lose replies. */
  readonly transport?: (inner: Transport) => Transport;
}

/** Settings of a run in a harness. */
export interface HarnessRunSettings extends RunSettings {
  readonly project?: string;
  readonly domain?: string;
  readonly priority?: number;
  readonly weight?: number;
  readonly actionLimit?: number;
  readonly suspend?: SuspendMode;
  /** A replay that leaves the recorded path fails the run. */
  readonly strict?: boolean;
}

/** What is done again of an older run. */
export interface AgainSettings {
  /** Another input for the root action. */
  readonly input?: unknown;
  /** Ids of actions, or tasks, that are executed again all the same. */
  readonly force?: readonly TaskName[];
  /** Execute again whatever has other code now. */
  readonly changedOnly?: boolean;
}
