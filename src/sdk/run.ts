import type { RunEvent } from "../core/event.ts";
import type { CallTarget } from "./definition.ts";
import { checkKeys, checkOneOf, checkText, checkTextMap } from "./option-check.ts";
import type { Nothing } from "./portable.ts";
import { checkVersionOutside, isRemote } from "./remote-target.ts";
import { parseWith } from "./schema.ts";
import { currentSession } from "./session.ts";
import { currentStarter, type RunEnd, type RunHandle, type RunSettings } from "./starter.ts";
import type { CallableTask } from "./task.ts";

/**
 * A run that was started.
 *
 * @example
 * const nightly = await run(main, { data: [1, 2, 3] });
 * console.log(nightly.url);
 * for await (const event of nightly) if (event.type === "action") console.log(event.task, event.phase);
 * console.log(await nightly.result());
 */
export class Run<Output> implements AsyncIterable<RunEvent> {
  readonly #handle: RunHandle;

  /** @internal */
  constructor(handle: RunHandle) {
    this.#handle = handle;
  }

  get id(): string {
    return this.#handle.id;
  }

  /** Page of the run; null when no UI serves it. */
  get url(): string | null {
    return this.#handle.url;
  }

  /**
   * Waits for the end and gives the result. The signal stops the waiting, not the run.
   *
   * @throws RunFailedError whose cause is the failure of the root task; AbortedError
   */
  result(options: { readonly signal?: AbortSignal } = {}): Promise<Output> {
    return this.#handle.result(options.signal) as Promise<Output>;
  }

  /** Waits for the end, however it comes; never throws because the run failed. */
  wait(options: { readonly signal?: AbortSignal } = {}): Promise<RunEnd> {
    return this.#handle.wait(options.signal);
  }

  /** Stops the run and everything in it. Aborting twice, or after the end, changes nothing. */
  abort(reason = "aborted by the caller"): Promise<void> {
    return this.#handle.abort(reason);
  }

  /** Everything that happens in the run, from its first event to its last. */
  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<RunEvent> {
    return this.#handle.events(options.signal);
  }

  [Symbol.asyncIterator](): AsyncIterator<RunEvent> {
    return this.events()[Symbol.asyncIterator]();
  }
}

/**
 * Starts a run of a task where the configuration says: on its endpoint, where the task has to be deployed, else on the
 * engine of this machine (data in `.godwit`). `configureRuns` and a test harness decide otherwise. Resolves as soon as
 * the run is durable.
 *
 * In a task it starts a run of its own, once, however often the task is replayed; call the task itself to get an
 * action of this run. A remote task needs no code here: `run(remote.task("search.index"), input)`.
 *
 * @example
 * const started = await run(main, { data: [1, 2, 3] }, { labels: { team: "search" } });
 * const mean = await started.result();
 * @throws GodwitError INPUT_INVALID before anything is started; OPTION_INVALID
 */
export function run<Output>(
  task: CallableTask<Nothing, Output>,
  input?: undefined,
  settings?: RunSettings,
): Promise<Run<Output>>;
export function run<Input, Output>(
  task: CallableTask<Input, Output>,
  input: Input,
  settings?: RunSettings,
): Promise<Run<Output>>;
export function run(
  task: CallableTask<never, unknown>,
  input?: unknown,
  settings: RunSettings = {},
): Promise<Run<unknown>> {
  return startRun(task.definition, input, settings);
}

/** Starts a run of a task by what is known of it. */
export async function startRun(
  target: CallTarget,
  input: unknown,
  settings: RunSettings,
): Promise<Run<unknown>> {
  const options = checkRunSettings(settings, `run of \`${target.name}\``);
  const session = currentSession();
  if (isRemote(target) && session === undefined) checkVersionOutside(target);
  // Of this very run: a recovered one draws the same numbers, and what failed in the older one is to be done again.
  const ownKey = session === undefined ? undefined : `${session.info.run}/${session.uuid()}`;
  const idempotencyKey = options.idempotencyKey ?? ownKey;
  if (target.input !== undefined) {
    await parseWith(target.input, input, { kind: "input", of: target.name });
  }
  const starter = await currentStarter(options.dataDir);
  const request = { ...options, ...(idempotencyKey !== undefined && { idempotencyKey }) };
  return new Run(await starter.start({ task: target, input, options: request }));
}

function checkRunSettings(settings: RunSettings, where: string): RunSettings {
  checkKeys(settings, where, ["name", "labels", "context", "cache", "recover", "idempotencyKey", "dataDir"]);
  const { labels, context, cache } = settings;
  for (const key of ["name", "recover", "idempotencyKey", "dataDir"] as const) {
    if (settings[key] !== undefined) checkText(settings[key], `${where}: \`${key}\``);
  }
  if (labels !== undefined) checkTextMap(labels, `${where}: \`labels\``);
  if (context !== undefined) checkTextMap(context, `${where}: \`context\``);
  if (cache !== undefined) checkOneOf(cache, `${where}: \`cache\``, ["use", "overwrite", "disable"]);
  return settings;
}
