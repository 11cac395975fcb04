import { GodwitError } from "../core/errors.ts";
import { plainAction } from "./action-promise.ts";
import type { ActionPromise, TaskCall, TaskSession, TraceCall } from "./session.ts";
import { SessionView } from "./session-view.ts";
import { timer } from "./sleep.ts";

/**
 * The session as the body of a trace sees it. The body is not executed on a replay, so it must leave nothing in the
 * task's journal and take nothing from its sequences: time and randomness are real, and recorded with the result.
 */
export class TraceView extends SessionView {
  readonly #name: string;

  constructor(inner: TaskSession, name: string) {
    super(inner);
    this.#name = name;
  }

  override call(spec: TaskCall): never {
    throw new GodwitError("TRACE_NESTED_CALL", `trace \`${this.#name}\` called task \`${spec.task}\``);
  }

  override condition(spec: { readonly name: string }): never {
    throw new GodwitError(
      "TRACE_NESTED_CALL",
      `trace \`${this.#name}\` waits for condition \`${spec.name}\``,
      {
        hint: "Wait for the condition outside `trace`.",
      },
    );
  }

  override trace(spec: TraceCall): ActionPromise<unknown> {
    return plainAction(async () => spec.execute());
  }

  override sleep(ms: number): ActionPromise<void> {
    return plainAction(() => timer(ms, this.signal));
  }

  override now(): number {
    return Date.now();
  }

  override random(): number {
    return Math.random();
  }

  override uuid(): string {
    return crypto.randomUUID();
  }

  override nextMap(): number {
    return 0;
  }
}
