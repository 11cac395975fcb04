import type { ConditionSpec } from "../../src/core/call.ts";
import { AbortedError } from "../../src/core/errors.ts";
import { invokeTask } from "../../src/sdk/definition.ts";
import { registry } from "../../src/sdk/registry.ts";
import {
  type ActionPromise,
  type CheckpointSlot,
  sessionStorage,
  type TaskCall,
  type TaskInfo,
  type TaskLog,
  type TaskSession,
  type TraceCall,
} from "../../src/sdk/session.ts";

/** A session in memory: executes every call here, notes what was asked of it, and replays a journal of traces. */
export class FakeSession implements TaskSession {
  readonly calls: TaskCall[] = [];
  readonly traces: TraceCall[] = [];
  readonly conditions: ConditionSpec[] = [];
  readonly sleeps: number[] = [];
  readonly logged: string[] = [];
  /** Ids of the actions whose promise was subscribed to. */
  readonly awaited: string[] = [];
  readonly aborted: string[] = [];
  readonly controller = new AbortController();
  info: TaskInfo;
  answer: unknown;
  secrets: Record<string, string> = {};
  mostInFlight = 0;
  /** Recorded traces, in order; a trace beyond them is executed. */
  readonly journal: unknown[];
  #inFlight = 0;
  #number = 0;
  #maps = 0;
  #saved: unknown;

  constructor({
    journal = [],
    context = {},
  }: { journal?: unknown[]; context?: Record<string, string> } = {}) {
    this.journal = journal;
    this.info = {
      run: "r1",
      action: "a0",
      parent: null,
      task: "test.main",
      attempt: 1,
      project: "demo",
      domain: "development",
      context,
      mustEndMs: null,
    };
  }

  /** Runs `fn` as the body of a task. */
  run<Result>(fn: () => Result): Result {
    return sessionStorage().run(this, fn);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get log(): TaskLog {
    const write = (message: string): void => void this.logged.push(message);
    return { debug: write, info: write, warn: write, error: write };
  }

  secret(name: string): string {
    return this.secrets[name] ?? "";
  }

  get checkpoint(): CheckpointSlot {
    return {
      save: async (value) => {
        this.#saved = value;
      },
      load: () => this.#saved,
    };
  }

  call(spec: TaskCall): ActionPromise<unknown> {
    this.calls.push(spec);
    const child = new FakeSession({ context: { ...spec.options.context } });
    return this.#action(async () => {
      this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight);
      try {
        await new Promise((resolve) => setImmediate(resolve));
        return await child.run(() => invokeTask(registry.get(spec.task), spec.input));
      } finally {
        this.#inFlight--;
      }
    });
  }

  trace(spec: TraceCall): ActionPromise<unknown> {
    const isRecorded = this.traces.length < this.journal.length;
    const recorded = this.journal[this.traces.length];
    this.traces.push(spec);
    return this.#action(async () => {
      if (isRecorded) return recorded;
      const value = await spec.execute();
      this.journal.push(value);
      return value;
    });
  }

  sleep(ms: number): ActionPromise<void> {
    this.sleeps.push(ms);
    return this.#action(async () => undefined);
  }

  condition(spec: ConditionSpec): ActionPromise<unknown> {
    this.conditions.push(spec);
    return this.#action(async () => this.answer);
  }

  now(): number {
    return 1_000;
  }

  random(): number {
    return ++this.#number / 1_000;
  }

  uuid(): string {
    return `uuid-${++this.#number}`;
  }

  nextMap(): number {
    return ++this.#maps;
  }

  #action<Result>(execute: () => Promise<Result>): ActionPromise<Result> {
    const actionId = `action-${++this.#number}`;
    return FakeAction.start(this, actionId, execute);
  }
}

class FakeAction<Result> extends Promise<Result> implements ActionPromise<Result> {
  actionId = "";
  abort: (reason?: string) => void = () => undefined;
  session: FakeSession | undefined;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  static start<Result>(
    session: FakeSession,
    actionId: string,
    execute: () => Promise<Result>,
  ): FakeAction<Result> {
    let abort = (_reason?: string): void => undefined;
    const action = new FakeAction<Result>((resolve, reject) => {
      abort = (reason) => {
        session.aborted.push(actionId);
        reject(new AbortedError(reason ?? "aborted"));
      };
      execute().then(resolve, reject);
    });
    return Object.assign(action, { actionId, abort, session });
  }

  // The hook by which a session sees what user code awaits.
  override then<Ok = Result, Failed = never>(
    onOk?: ((value: Result) => Ok | PromiseLike<Ok>) | null,
    onFailed?: ((error: unknown) => Failed | PromiseLike<Failed>) | null,
  ): Promise<Ok | Failed> {
    this.session?.awaited.push(this.actionId);
    return super.then(onOk, onFailed);
  }
}

/** A schema by hand whose validation is asynchronous: an integer, doubled. */
export const slowDouble = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: async (value: unknown) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (Number.isInteger(value)) return { value: 2 * (value as number) };
      return { issues: [{ message: "must be an integer", path: [{ key: "deep" }, 0, "a/b"] }] };
    },
    types: undefined as { input: number; output: number } | undefined,
  },
} as const;
