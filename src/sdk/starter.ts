import type { RunCacheMode } from "../core/cache.ts";
import type { RunEvent } from "../core/event.ts";
import type { TerminalPhase } from "../core/phase.ts";
import type { CallTarget } from "./definition.ts";
import type { RunQuery, RunSummary } from "./run-list.ts";

/** Settings of one run. Those of its root action are the task's own: `run(task.override({ … }), input)`. */
export interface RunSettings {
  /** Name shown in lists; need not be unique. Default: the name of the task. */
  readonly name?: string | undefined;
  /** Labels to search by. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Custom context of the root action and all its descendants. */
  readonly context?: Readonly<Record<string, string>> | undefined;
  /** `overwrite` computes anew and stores, `disable` neither reads nor stores. Default `use`. */
  readonly cache?: RunCacheMode | undefined;
  /** Run to recover from: its succeeded actions are reused. */
  readonly recover?: string | undefined;
  /** A second start with the same key gives the first run. Default: none; in a task a key that replays repeat. */
  readonly idempotencyKey?: string | undefined;
  /** Data folder of this machine, which then executes the run whatever is configured. Default: as configured. */
  readonly dataDir?: string | undefined;
}

/** A run to start. The input was checked against the schema of the task. */
export interface RunRequest {
  readonly task: CallTarget;
  readonly input: unknown;
  readonly options: RunSettings;
}

/** How a run ended. */
export interface RunEnd {
  readonly phase: TerminalPhase;
  readonly createdMs: number;
  readonly endedMs: number;
  /** Null when it succeeded. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** A run that was started, as the engine or a coordinator knows it. */
export interface RunHandle {
  readonly id: string;
  /** Page of the run; null when no UI serves it. */
  readonly url: string | null;
  /** Resolves when the run has ended, however it did. */
  wait(signal?: AbortSignal): Promise<RunEnd>;
  /** The decoded result. @throws RunFailedError or AbortedError, with the revived failure as its cause */
  result(signal?: AbortSignal): Promise<unknown>;
  /** Idempotent; resolves when the abort is durable, which may be before the last action has stopped. */
  abort(reason: string): Promise<void>;
  /** Events from the first one on; ends after the run's terminal event. */
  events(signal?: AbortSignal): AsyncIterable<RunEvent>;
}

/** Starts runs and finds them again: the local engine, a client of a coordinator, a test harness. */
export interface RunStarter {
  /** Resolves when the run is durable. @throws GodwitError TASK_NOT_FOUND for a remote task that is not there */
  start(request: RunRequest): Promise<RunHandle>;
  /** A run that exists. @throws GodwitError RUN_NOT_FOUND */
  attach(run: string): Promise<RunHandle>;
  /** Runs, the newest first. */
  list(query: RunQuery): AsyncIterable<RunSummary>;
}

// One slot per process, so that a command which loads a bundle decides where the bundle's own copy of the SDK
// starts runs.
const SLOT = Symbol.for("godwit.starter.v1");
type Holder = { [SLOT]?: RunStarter | undefined };

/**
 * Decides where `run` starts runs, for the whole process; `undefined` goes back to what is configured.
 *
 * @example configureRuns(harness.starter);
 */
export function configureRuns(starter: RunStarter | undefined): void {
  (globalThis as Holder)[SLOT] = starter;
}

/** What `godwit/local` exports, as far as the SDK knows it. */
interface ConfiguredPlace {
  configuredStarter(options: { readonly dataDir?: string }): RunStarter | Promise<RunStarter>;
}

// Not a literal: a bundler must leave it to the installed package, since a bundle carries no engine.
const CONFIGURED_PLACE: string = "godwit/local";

/** The starter that was set, else the one that the configuration means, which is read only now. */
export async function currentStarter(dataDir: string | undefined): Promise<RunStarter> {
  const configured = (globalThis as Holder)[SLOT];
  if (configured !== undefined) return configured;
  const place = (await import(CONFIGURED_PLACE)) as ConfiguredPlace;
  return place.configuredStarter(dataDir === undefined ? {} : { dataDir });
}
