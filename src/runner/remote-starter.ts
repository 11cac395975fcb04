import type { GodwitClient } from "../client/client.ts";
import type { Json } from "../core/error-record.ts";
import { AbortedError, RunFailedError } from "../core/errors.ts";
import { ROOT_ACTION } from "../core/identity.ts";
import { fromErrorRecord } from "../core/outcome.ts";
import { isTerminal, type TerminalPhase } from "../core/phase.ts";
import { decodeValue, encodeValue } from "../core/value.ts";
import type { RunEnd, RunHandle, RunStarter } from "../sdk/starter.ts";
import { Values } from "./values.ts";

const WAIT = "20s";

/** Starts runs on a coordinator: what `run` inside a task uses where tasks are executed for one. */
export function remoteStarter(client: GodwitClient, values: Values = new Values()): RunStarter {
  return {
    async start({ task, input, options }) {
      const { name, labels, context, cache, recover, idempotencyKey } = options;
      const body = {
        task: task.name,
        input: JSON.parse(await values.keep(encodeValue(input))) as Json,
        labels: name === undefined ? (labels ?? {}) : { name, ...labels },
        ...(context !== undefined && { context }),
        ...(cache !== undefined && { cache }),
        ...(recover !== undefined && { origin: { run: recover, kind: "recover" as const } }),
      };
      const { id } = await client.startRun(body, { idempotencyKey });
      return remoteRun(client, id, values);
    },
  };
}

function remoteRun(client: GodwitClient, id: string, values: Values): RunHandle {
  const ended = async (signal: AbortSignal | undefined) => {
    for (;;) {
      const result = await client.getResult(id, { wait: WAIT, signal });
      if (result.outcome !== null && isTerminal(result.phase)) return { ...result, outcome: result.outcome };
    }
  };
  return {
    id,
    url: null,
    async wait(signal): Promise<RunEnd> {
      await ended(signal);
      const { phase, createdMs, endedMs, error } = await client.getRun(id, { signal });
      return { phase: phase as TerminalPhase, createdMs, endedMs: endedMs ?? createdMs, error };
    },
    async result(signal) {
      const { phase, outcome } = await ended(signal);
      if (outcome.ok) {
        const text = JSON.stringify(outcome.value);
        return decodeValue(await values.read(text, { action: ROOT_ACTION, what: "result" }));
      }
      const cause = fromErrorRecord(outcome.error);
      const text = `run ${id} ${phase.replace("_", " ")}: ${cause.message}`;
      throw phase === "aborted" ? new AbortedError(text, { cause }) : new RunFailedError(text, { cause });
    },
    async abort(reason) {
      await client.abortRun(id, reason);
    },
    events: (signal) => client.events(id, { signal }),
  };
}
