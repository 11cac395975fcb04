import type { ExchangeReply, ExchangeRequest, LogReport, Transport } from "../core/protocol.ts";
import type { TaskDefinition } from "../sdk/definition.ts";
import { currentSession } from "../sdk/session.ts";
import type { TaskSource } from "./tasks.ts";

/** What a supervisor must know of a runner whose event loop may stand still at any moment. */
export interface ExecutionState {
  /** When the first attempt that is executed here must be over (epoch ms); null without a limit. */
  readonly mustEndMs: number | null;
  /** Something is executed that the coordinator may not know of yet: a death now cannot be blamed on what it knows. */
  readonly hasUnknown: boolean;
}

interface Execution {
  readonly mustEndMs: number | null;
  /** The coordinator knows that it is leased to this runner. */
  isKnown: boolean;
}

/**
 * Watches what a runner executes from outside: its source of tasks and its transport pass through here.
 *
 * A child that the runner starts itself may block the process before the coordinator has heard of it, so a change that
 * matters is told before the task's code runs.
 */
export class ExecutionWatch {
  readonly #onChange: (state: ExecutionState) => void;
  readonly #executions = new Map<string, Execution>();
  /** Actions that were leased and whose code does not run yet. */
  readonly #leased = new Set<string>();
  readonly #wrapped = new WeakMap<TaskDefinition, TaskDefinition>();
  #told: ExecutionState = { mustEndMs: null, hasUnknown: false };

  constructor(onChange: (state: ExecutionState) => void) {
    this.#onChange = onChange;
  }

  tasks(source: TaskSource): TaskSource {
    return { find: async (bundle, task) => this.#wrap(await source.find(bundle, task)) };
  }

  transport(inner: Transport, onLogs: (logs: readonly LogReport[]) => void = () => undefined): Transport {
    return {
      exchange: async (request, signal) => {
        if (request.logs !== undefined) onLogs(request.logs);
        const reply = await inner.exchange(request, signal);
        this.#learn(request, reply);
        return reply;
      },
      journal: (request, signal) => inner.journal(request, signal),
    };
  }

  #learn(request: ExchangeRequest, reply: ExchangeReply): void {
    for (const { run, action } of reply.leases) this.#leased.add(`${run}/${action}`);
    for (const { claim } of request.calls ?? []) {
      const execution =
        claim === undefined ? undefined : this.#executions.get(claim.slice(0, claim.lastIndexOf("/")));
      if (execution !== undefined) execution.isKnown = true;
    }
    this.#tell();
  }

  #wrap(definition: TaskDefinition): TaskDefinition {
    const known = this.#wrapped.get(definition);
    if (known !== undefined) return known;
    const fn = (input: never): unknown => this.#execute(() => definition.fn(input));
    const wrapped = { ...definition, fn };
    this.#wrapped.set(definition, wrapped);
    return wrapped;
  }

  #execute(run: () => unknown): unknown {
    const session = currentSession();
    if (session === undefined) return run();
    const { info, signal } = session;
    const key = `${info.run}/${info.action}`;
    const execution = { mustEndMs: info.mustEndMs, isKnown: this.#leased.delete(key) };
    this.#executions.set(key, execution);
    const end = (): void => this.#end(key, execution);
    // A session that is parked or aborted is dropped: its function may never return.
    signal.addEventListener("abort", end, { once: true });
    this.#tell();
    return this.#finish(run, end);
  }

  async #finish(run: () => unknown, end: () => void): Promise<unknown> {
    try {
      return await run();
    } finally {
      end();
    }
  }

  #end(key: string, execution: Execution): void {
    // The same action may be executed again here before the first execution is over.
    if (this.#executions.get(key) !== execution) return;
    this.#executions.delete(key);
    this.#tell();
  }

  #tell(): void {
    let mustEndMs: number | null = null;
    let hasUnknown = false;
    for (const { mustEndMs: endMs, isKnown } of this.#executions.values()) {
      if (endMs !== null && (mustEndMs === null || endMs < mustEndMs)) mustEndMs = endMs;
      if (!isKnown) hasUnknown = true;
    }
    if (mustEndMs === this.#told.mustEndMs && hasUnknown === this.#told.hasUnknown) return;
    this.#told = { mustEndMs, hasUnknown };
    this.#onChange(this.#told);
  }
}
