/**
 * Durable TypeScript workflows on the serverless compute you already own.
 *
 * @example
 * import { TaskEnvironment, map, run } from "godwit";
 *
 * const env = new TaskEnvironment({ name: "hello", resources: { cpu: 1, memory: "512Mi" } });
 *
 * export const square = env.task(async function square(x: number) {
 *   return x * x;
 * });
 *
 * export const main = env.task(async function main({ data }: { data: number[] }) {
 *   const squares = await map(square, data);
 *   return squares.reduce((sum, next) => sum + next, 0);
 * });
 *
 * const started = await run(main, { data: [1, 2, 3] });
 * console.log(await started.result()); // 14
 *
 * @module
 */

// Settings
export type { Duration } from "./core/duration.ts";
// Errors to catch and to throw
export type { ErrorCode } from "./core/error-table.ts";
export {
  AbortedError,
  CapacityError,
  ConditionTimedOutError,
  GodwitError,
  InterruptedError,
  NonDeterminismError,
  NonRecoverableError,
  OutOfMemoryError,
  RetriesExhaustedError,
  RunFailedError,
  TaskError,
  TimeLimitError,
} from "./core/errors.ts";
// Runs
export type { RunEvent } from "./core/event.ts";
export type { Phase } from "./core/phase.ts";
// Files
export { type BlobAccess, configureBlobs } from "./sdk/blobs.ts";
// Durable waits, time and chance
export { now, random, uuid } from "./sdk/clock.ts";
export { condition } from "./sdk/condition.ts";
// The running task
export { ctx, type TaskContext, withContext } from "./sdk/context.ts";
// What a runner and a deployment read from a bundle
export type { CallTarget, EnvironmentDefinition, TaskDefinition } from "./sdk/definition.ts";
export { Dir, type DirSettings } from "./sdk/dir.ts";
// Environments and tasks
export { TaskEnvironment } from "./sdk/environment.ts";
export { File, type FileSettings } from "./sdk/file.ts";
// Control flow
export { group } from "./sdk/group.ts";
export { map, type SettledResult } from "./sdk/map.ts";
export { registry } from "./sdk/registry.ts";
// What is deployed and what runs elsewhere
export { type Remote, remote } from "./sdk/remote.ts";
export type { RemoteDefinition } from "./sdk/remote-target.ts";
export type { RemoteSettings, RemoteTask } from "./sdk/remote-task.ts";
export { Run, run } from "./sdk/run.ts";
export type { RunFilter, RunQuery, RunSummary } from "./sdk/run-list.ts";
export type { ActionPromise } from "./sdk/session.ts";
export type {
  CacheSettings,
  ConcurrencySettings,
  EnvironmentSettings,
  OverrideSettings,
  RetrySettings,
  TaskSettings,
  TimeoutSettings,
} from "./sdk/settings.ts";
export { sleep } from "./sdk/sleep.ts";
export type { StandardSchema } from "./sdk/standard-schema.ts";
export {
  configureRuns,
  type RunEnd,
  type RunHandle,
  type RunRequest,
  type RunSettings,
  type RunStarter,
} from "./sdk/starter.ts";
export type { AnyTask, CallableTask, Task } from "./sdk/task.ts";
export { trace } from "./sdk/trace.ts";
