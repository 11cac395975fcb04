import type { ConditionSpec } from "../core/call.ts";
import type { BlobOpener } from "./blobs.ts";
import type {
  ActionPromise,
  CheckpointSlot,
  TaskCall,
  TaskInfo,
  TaskLog,
  TaskSession,
  TraceCall,
} from "./session.ts";

/**
 * A session seen through a change: a group, a custom context, the body of a trace. Subclasses override what differs.
 *
 * Scopes are wrappers of the session and not storages of their own, so they end where the session ends: a child that
 * a runner executes in the same process starts with its own session and inherits nothing by accident.
 */
export class SessionView implements TaskSession {
  protected readonly inner: TaskSession;

  constructor(inner: TaskSession) {
    this.inner = inner;
  }

  get info(): TaskInfo {
    return this.inner.info;
  }

  get signal(): AbortSignal {
    return this.inner.signal;
  }

  get log(): TaskLog {
    return this.inner.log;
  }

  get checkpoint(): CheckpointSlot {
    return this.inner.checkpoint;
  }

  get blobs(): BlobOpener | undefined {
    return this.inner.blobs;
  }

  /** Path of the group calls are made in, or undefined outside any group. */
  get group(): string | undefined {
    return currentGroup(this.inner);
  }

  call(spec: TaskCall): ActionPromise<unknown> {
    return this.inner.call(spec);
  }

  trace(spec: TraceCall): ActionPromise<unknown> {
    return this.inner.trace(spec);
  }

  sleep(ms: number): ActionPromise<void> {
    return this.inner.sleep(ms);
  }

  condition(spec: ConditionSpec): ActionPromise<unknown> {
    return this.inner.condition(spec);
  }

  now(): number {
    return this.inner.now();
  }

  random(): number {
    return this.inner.random();
  }

  uuid(): string {
    return this.inner.uuid();
  }

  nextMap(): number {
    return this.inner.nextMap();
  }

  secret(name: string): string {
    return this.inner.secret(name);
  }
}

/** Path of the group that calls through `session` are made in, or undefined outside any group. */
export function currentGroup(session: TaskSession | undefined): string | undefined {
  return session instanceof SessionView ? session.group : undefined;
}
