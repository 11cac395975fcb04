import { hash } from "node:crypto";
import { inputHashes } from "../core/cache.ts";
import { mergeOptions } from "../core/call-options.ts";
import { GodwitError } from "../core/errors.ts";
import type { RunEvent } from "../core/event.ts";
import { base32, ROOT_ACTION } from "../core/identity.ts";
import type { Outcome } from "../core/outcome.ts";
import type { TerminalPhase } from "../core/phase.ts";
import { isStored } from "../core/value/stored.ts";
import { encodeValue } from "../core/value.ts";
import { findRefs } from "../core/value-ref.ts";
import { abort } from "../engine/abort.ts";
import type { EngineCore } from "../engine/core.ts";
import { readOutcome, readRun, waitForRun, watchEvents } from "../engine/read.ts";
import { type StartRun, startRun } from "../engine/start.ts";
import { ValueStore } from "../runner/values.ts";
import type { CallTarget } from "../sdk/definition.ts";
import { isRemote } from "../sdk/remote-target.ts";
import type { RunEnd, RunHandle, RunRequest, RunStarter } from "../sdk/starter.ts";
import { errorOfRow, resultOf } from "./run-end.ts";
import { runsOf } from "./run-list.ts";

/** Which runs a starter starts, and who hears of them. */
export interface StarterOptions {
  readonly deployment: string;
  readonly pool: string;
  readonly project?: string;
  readonly domain?: string;
  /** The tasks whose code is here. @throws GodwitError TASK_NOT_FOUND */
  readonly find: (task: string) => Promise<CallTarget>;
  readonly onStart?: (run: string) => void;
  /** Keeps large inputs, and reads large results. Default: all inline. */
  readonly values?: ValueStore;
}

/** Starts runs on an engine in this process. */
export function engineStarter(core: EngineCore, options: StarterOptions): RunStarter {
  return {
    async start(request) {
      const task = await codeHere(request.task, options.find);
      const start = await withInputKept(startOf({ ...request, task }, options), options.values);
      const id = await startOnce(core, start, request.options.idempotencyKey);
      options.onStart?.(id);
      return runHandle(core, id, options.values);
    },
    async attach(run) {
      await readRun(core, run);
      return runHandle(core, run, options.values);
    },
    list: (query) => runsOf(core, query),
  };
}

/** A remote task as it is defined here, in the one version that there is. @throws GodwitError TASK_NOT_FOUND */
export async function codeHere(
  task: CallTarget,
  find: (task: string) => Promise<CallTarget>,
): Promise<CallTarget> {
  if (!isRemote(task)) return task;
  const { version } = task.remote;
  if (version !== "latest" && version !== "current") {
    const message = `no task "${task.name}" at version "${version}" on this machine`;
    throw new GodwitError("TASK_NOT_FOUND", message, { hint: ELSEWHERE });
  }
  const defined = await find(task.name);
  return { ...defined, options: mergeOptions([defined.options, task.overrides ?? {}]) };
}

const ELSEWHERE =
  "Versions are kept by a coordinator: name its endpoint in the configuration, and deploy the task there.";

/** What a request for a run means to the engine. */
export function startOf(
  { task, input, options }: RunRequest,
  at: Omit<StarterOptions, "find" | "onStart">,
): StartRun {
  const { name, labels, context, cache, recover } = options;
  return {
    task: task.name,
    input: encodeValue(input),
    deployment: at.deployment,
    pool: at.pool,
    options: task.options,
    labels: name === undefined ? (labels ?? {}) : { name, ...labels },
    ...(at.project !== undefined && { project: at.project }),
    ...(at.domain !== undefined && { domain: at.domain }),
    ...(context !== undefined && { context }),
    ...(cache !== undefined && { cacheMode: cache }),
    ...(recover !== undefined && { origin: { run: recover, kind: "recover" as const } }),
  };
}

/** The same start with its input in the blob store, when it is large. */
export async function withInputKept(start: StartRun, store: ValueStore | undefined): Promise<StartRun> {
  const values = store?.for({ project: start.project });
  if (values?.isLarge(start.input) !== true) return start;
  const { input, options } = start;
  const hashes = () => inputHashes(input, options?.cache?.ignoredInputs);
  return { ...start, refs: findRefs(input), input: await values.keep(input, hashes) };
}

/** With a key, the run's id follows from it, so that a second start finds the first run. */
export async function startOnce(core: EngineCore, start: StartRun, key: string | undefined): Promise<string> {
  if (key === undefined) return startRun(core, start);
  const id = base32(hash("sha256", key, "buffer"), 32);
  return startRun(core, { ...start, id: `r${id}` });
}

/** How a run ended, with its result even when that is large; null while it goes on. @throws GodwitError VALUE_LOST */
export async function readWholeOutcome(
  core: EngineCore,
  run: string,
  values: ValueStore,
): Promise<Outcome | null> {
  const outcome = await readOutcome(core, run);
  if (outcome?.ok !== true || !isStored(outcome.value)) return outcome;
  const { project } = await readRun(core, run);
  const value = await values.for({ project }).read(outcome.value, { action: ROOT_ACTION, what: "result" });
  return { ok: true, value };
}

const FOR_EVER_MS = Number.MAX_SAFE_INTEGER;

/** A run of an engine in this process, as the SDK hands it to users. */
export function runHandle(core: EngineCore, id: string, values: ValueStore = new ValueStore()): RunHandle {
  const ended = async (signal: AbortSignal | undefined): Promise<RunEnd> => {
    const run = await waitForRun(core, id, FOR_EVER_MS, signal);
    if (run.ended_ms === null) throw signal?.reason;
    const { phase, created_ms: createdMs, ended_ms: endedMs } = run;
    return { phase: phase as TerminalPhase, createdMs, endedMs, error: errorOfRow(run.error) };
  };
  return {
    id,
    url: null,
    wait: ended,
    async result(signal) {
      const { phase } = await ended(signal);
      return resultOf(id, phase, await readWholeOutcome(core, id, values));
    },
    async abort(reason) {
      if ((await readRun(core, id)).ended_ms === null) await abort(core, { run: id, reason });
    },
    events: (signal) => singly(watchEvents(core, id, signal === undefined ? {} : { signal })),
  };
}

async function* singly(batches: AsyncIterable<readonly RunEvent[]>): AsyncGenerator<RunEvent, void, void> {
  for await (const batch of batches) yield* batch;
}
