import { AsyncLocalStorage } from "node:async_hooks";
import type { CallOptions, ConditionSpec } from "../core/call.ts";
import type { BlobOpener } from "./blobs.ts";

/**
 * What the SDK asks of whoever executes a task. The runner implements it; outside a task there is none.
 *
 * A promise that a session returns is an {@link ActionPromise}: its `then` tells the session that user code really
 * awaits it, and it may never settle at all, when the session is parked and dropped.
 */
export interface TaskSession {
  readonly info: TaskInfo;
  readonly signal: AbortSignal;
  readonly log: TaskLog;
  readonly checkpoint: CheckpointSlot;
  /** Opens the place of the task's files; undefined where there is no blob store. */
  readonly blobs?: BlobOpener | undefined;
  /** Calls a task: a durable action. The input was checked by the SDK. */
  call(spec: TaskCall): ActionPromise<unknown>;
  /** Records the result of `execute` under the identity of (name, args); on replay gives it without executing. */
  trace(spec: TraceCall): ActionPromise<unknown>;
  sleep(ms: number): ActionPromise<void>;
  condition(spec: ConditionSpec): ActionPromise<unknown>;
  /** Time of the latest result this task has seen, in epoch milliseconds: the same on every replay. */
  now(): number;
  /** Next number in [0, 1) of a sequence that is the same on every replay. */
  random(): number;
  uuid(): string;
  /** A fresh number for a `map` of this task. */
  nextMap(): number;
  /** Value of a secret that the task declares. */
  secret(name: string): string;
}

export interface TaskInfo {
  readonly run: string;
  readonly action: string;
  readonly parent: string | null;
  /** Full name, `env.task`. */
  readonly task: string;
  /** 1-based. */
  readonly attempt: number;
  readonly project: string;
  readonly domain: string;
  /** Custom context of this action. */
  readonly context: Readonly<Record<string, string>>;
  /** When the attempt must be over (epoch ms); null without a limit. */
  readonly mustEndMs: number | null;
}

export interface TaskLog {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

export interface CheckpointSlot {
  /** Durable when the promise resolves; given to the next attempt. */
  save(value: unknown): Promise<void>;
  /**
   * What an earlier attempt saved last, or undefined. An attempt that has loaded it need not make the calls again whose
   * results were in when it was saved.
   */
  load(): unknown;
}

export interface TaskCall {
  readonly task: string;
  readonly input: unknown;
  readonly options: CallOptions;
}

export interface TraceCall {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly execute: () => unknown;
}

/** A promise of a durable action. Parallel combinators of JavaScript work on it as on any other promise. */
export interface ActionPromise<T> extends Promise<T> {
  /** The action's id inside its run. */
  readonly actionId: string;
  /** Aborts the action and everything below it, for example the losers of a race. The promise rejects with AbortedError. */
  abort(reason?: string): void;
}

// One slot per process, shared by every copy of the library in it: a user's bundle carries its own copy of the SDK
// and is executed by a runner that has another.
const SLOT = Symbol.for("godwit.session.v1");
type Holder = { [SLOT]?: AsyncLocalStorage<TaskSession | undefined> };

/** The storage that carries the session through a task's asynchronous calls. */
export function sessionStorage(): AsyncLocalStorage<TaskSession | undefined> {
  const holder = globalThis as Holder;
  holder[SLOT] ??= new AsyncLocalStorage();
  return holder[SLOT];
}

/** The session of the task that is being executed, or undefined outside any task. */
export function currentSession(): TaskSession | undefined {
  return sessionStorage().getStore();
}
