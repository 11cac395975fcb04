import { currentSession } from "./session.ts";

/**
 * The time, in epoch milliseconds: in a task that of the latest result it has seen, the same on every replay.
 * Outside a task it is `Date.now()`.
 *
 * @example const startedMs = now();
 */
export function now(): number {
  return currentSession()?.now() ?? Date.now();
}

/**
 * A number in [0, 1): in a task the next one of a sequence that is the same on every replay. Outside a task it is
 * `Math.random()`.
 *
 * @example const sample = rows.filter(() => random() < 0.01);
 */
export function random(): number {
  return currentSession()?.random() ?? Math.random();
}

/**
 * A random UUID (version 4): in a task the same on every replay, so it serves as an idempotency key.
 *
 * @example await charge({ order, key: uuid() });
 */
export function uuid(): string {
  return currentSession()?.uuid() ?? crypto.randomUUID();
}
