import type { StartRunBody } from "../client/api.ts";
import type { GodwitClient } from "../client/client.ts";
import type { Json } from "../core/error-record.ts";
import { AbortedError, RunFailedError } from "../core/errors.ts";
import { fromErrorRecord } from "../core/outcome.ts";
import { isTerminal, type TerminalPhase } from "../core/phase.ts";
import { decodeValue, encodeValue } from "../core/value.ts";
import type { CallTarget } from "../sdk/definition.ts";
import { isRemote } from "../sdk/remote-target.ts";
import { labelTexts } from "../sdk/run-list.ts";
import type { RunEnd, RunHandle, RunSettings, RunStarter } from "../sdk/starter.ts";
import { executingSession } from "./console.ts";
import { inSession, streamInSession } from "./session-requests.ts";
import { ValueStore, type Values } from "./values.ts";

const WAIT = "20s";

/** What holds outside of tasks; in a task, what holds is what the task itself has. */
interface OutsideTasks {
  /** Keeps large inputs. Default: all inline. */
  readonly values?: ValueStore;
  /** Default: that of the key, else `default`. */
  readonly project?: string;
  /** Default `development`. */
  readonly domain?: string;
}

/**
 * Starts runs on a coordinator and finds them again: for tasks that are executed for it, and for scripts that are
 * given its endpoint.
 */
export function remoteStarter(client: GodwitClient, outside: OutsideTasks = {}): RunStarter {
  const { values = new ValueStore() } = outside;
  return {
    start: ({ task, input, options }) =>
      inSession(undefined, async (signal) => {
        const given = await valuesFor(task, values).keep(encodeValue(input));
        const body = { ...bodyOf(task, options, outside), input: JSON.parse(given) as Json };
        const { idempotencyKey } = options;
        const { id } = await client.startRun(body, { idempotencyKey, signal });
        return remoteRun(client, id);
      }),
    attach: (run) =>
      inSession(undefined, async (signal) => {
        const { id } = await client.getRun(run, { signal });
        return remoteRun(client, id);
      }),
    list: ({ phases: phase, labels, ...query }) => {
      const asked = { ...query, phase, label: labelTexts({ labels }) };
      return streamInSession(undefined, (signal) => client.runs(asked, { signal }));
    },
  };
}

function bodyOf(task: CallTarget, options: RunSettings, outside: OutsideTasks): StartRunBody {
  const { name, labels, context, cache, recover } = options;
  return {
    task: task.name,
    labels: name === undefined ? (labels ?? {}) : { name, ...labels },
    ...placeOf(task, outside),
    ...(task.overrides !== undefined && { options: task.overrides }),
    ...(context !== undefined && { context }),
    ...(cache !== undefined && { cache }),
    ...(recover !== undefined && { origin: { run: recover, kind: "recover" as const } }),
  };
}

/** A task stores what it passes on as its own; whoever is outside of any stores it where the run will be. */
function valuesFor(task: CallTarget, store: ValueStore): Values {
  const project = isRemote(task) ? task.remote.project : undefined;
  return executingSession()?.values ?? store.for({ project });
}

/** A task whose code is here is meant as the calling task was deployed. */
function placeOf(
  task: CallTarget,
  { project, domain }: OutsideTasks,
): Pick<StartRunBody, "version" | "project" | "domain"> {
  const isOutside = executingSession() === undefined;
  const place = {
    ...(isOutside && project !== undefined && { project }),
    ...(isOutside && domain !== undefined && { domain }),
  };
  if (isRemote(task)) return { ...place, ...task.remote };
  return isOutside ? place : { version: "current" };
}

function remoteRun(client: GodwitClient, id: string): RunHandle {
  const ended = async (signal: AbortSignal | undefined) => {
    for (;;) {
      const result = await client.getResult(id, { wait: WAIT, signal });
      if (result.outcome !== null && isTerminal(result.phase)) return { ...result, outcome: result.outcome };
    }
  };
  return {
    id,
    url: null,
    wait: (given) =>
      inSession(given, async (signal): Promise<RunEnd> => {
        await ended(signal);
        const { phase, createdMs, endedMs, error } = await client.getRun(id, { signal });
        return { phase: phase as TerminalPhase, createdMs, endedMs: endedMs ?? createdMs, error };
      }),
    result: (given) =>
      inSession(given, async (signal) => {
        const { phase, outcome } = await ended(signal);
        if (outcome.ok) return decodeValue(JSON.stringify(outcome.value));
        const cause = fromErrorRecord(outcome.error);
        const text = `run ${id} ${phase.replace("_", " ")}: ${cause.message}`;
        throw phase === "aborted" ? new AbortedError(text, { cause }) : new RunFailedError(text, { cause });
      }),
    abort: (reason) =>
      inSession(undefined, async (signal) => {
        await client.abortRun(id, reason, { signal });
      }),
    events: (given) => streamInSession(given, (signal) => client.events(id, { signal })),
  };
}
