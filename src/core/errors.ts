import type { ErrorCode } from "./error-table.ts";
import { GodwitError, type GodwitErrorOptions } from "./godwit-error.ts";

export { GodwitError, type GodwitErrorOptions, hasCode } from "./godwit-error.ts";

/**
 * A task's own code threw: the error as it arrives in the parent. `name`, `message` and `stack` are those of the
 * error that was thrown, `data` holds its own properties, `task` and `action` say where.
 *
 * @example
 * try {
 *   await charge(order);
 * } catch (error) {
 *   if (error instanceof TaskError && error.name === "CardDeclined") return askForAnotherCard(order);
 *   throw error;
 * }
 */
export class TaskError extends GodwitError {
  /** @internal */
  static override readonly brand: string = "TaskError";
  declare readonly code: "TASK_FAILED";

  constructor(message: string, options?: GodwitErrorOptions) {
    super("TASK_FAILED", message, options);
  }
}

/**
 * A task used more memory than it had. Catch it to call again with more.
 *
 * @example
 * try {
 *   return await train(input);
 * } catch (error) {
 *   if (!(error instanceof OutOfMemoryError)) throw error;
 *   return await train.override({ resources: { memory: "16Gi" } })(input);
 * }
 */
export class OutOfMemoryError extends GodwitError {
  /** @internal */
  static override readonly brand: string = "OutOfMemoryError";
  declare readonly code: "OUT_OF_MEMORY";

  constructor(message: string, options?: GodwitErrorOptions) {
    super("OUT_OF_MEMORY", message, options);
  }
}

/** A machine that was announced to go, and one that went without a word. */
type InterruptedCode = Extract<ErrorCode, "INTERRUPTED" | "RUNNER_LOST">;

/** The three limits on time: of one attempt, of one wait in the queue, and of the action as a whole. */
type TimeLimitCode = Extract<ErrorCode, "TIME_LIMIT" | "QUEUE_TIME_LIMIT" | "DEADLINE_EXCEEDED">;

/**
 * A task ran, waited in the queue or existed for longer than allowed; `code` tells which.
 *
 * @example if (error instanceof TimeLimitError && error.code === "TIME_LIMIT") return partialResult;
 */
export class TimeLimitError extends GodwitError {
  /** @internal */
  static override readonly brand: string = "TimeLimitError";
  declare readonly code: TimeLimitCode;

  constructor(message: string, options: GodwitErrorOptions & { readonly code?: TimeLimitCode } = {}) {
    super(options.code ?? "TIME_LIMIT", message, options);
  }
}

/**
 * The machine was taken away (a spot interruption or a lost runner) more often than the system retries allow.
 *
 * @example if (error instanceof InterruptedError) return await step.override({ interruptible: false })(input);
 */
export class InterruptedError extends GodwitError {
  /** @internal */
  static override readonly brand: string = "InterruptedError";
  declare readonly code: InterruptedCode;

  constructor(message: string, options: GodwitErrorOptions & { readonly code?: InterruptedCode } = {}) {
    super(options.code ?? "INTERRUPTED", message, options);
  }
}

/**
 * No backend has room for the shape that was asked for.
 *
 * @example if (error instanceof CapacityError) return await step.override({ resources: { gpu: "T4" } })(input);
 */
export class CapacityError extends GodwitError {
  /** @internal */
  static override readonly brand: string = "CapacityError";
  declare readonly code: "CAPACITY";

  constructor(message: string, options?: GodwitErrorOptions) {
    super("CAPACITY", message, options);
  }
}

/**
 * An action was aborted by a person, by a parent or because its run ended.
 *
 * @example if (error instanceof AbortedError) return { skipped: true };
 */
export class AbortedError extends GodwitError {
  /** @internal */
  static override readonly brand: string = "AbortedError";
  declare readonly code: "ABORTED";

  constructor(message: string, options?: GodwitErrorOptions) {
    super("ABORTED", message, options);
  }
}

/**
 * Every attempt failed; `cause` is the last failure and `attempts` their number.
 *
 * @example if (error instanceof RetriesExhaustedError) report(error.attempts, error.cause);
 */
export class RetriesExhaustedError extends GodwitError {
  /** @internal */
  static override readonly brand: string = "RetriesExhaustedError";
  declare readonly code: "RETRIES_EXHAUSTED";

  constructor(message: string, options?: GodwitErrorOptions) {
    super("RETRIES_EXHAUSTED", message, options);
  }
}

/**
 * A run ended without success; thrown to whoever waits for its result. `cause` says why.
 *
 * @example await run(main, input).catch((error) => error instanceof RunFailedError && page(error.action));
 */
export class RunFailedError extends GodwitError {
  /** @internal */
  static override readonly brand: string = "RunFailedError";
  declare readonly code: "RUN_FAILED";

  constructor(message: string, options?: GodwitErrorOptions) {
    super("RUN_FAILED", message, options);
  }
}

/**
 * Nobody answered a condition in time.
 *
 * @example if (error instanceof ConditionTimedOutError) return { approved: false };
 */
export class ConditionTimedOutError extends GodwitError {
  /** @internal */
  static override readonly brand: string = "ConditionTimedOutError";
  declare readonly code: "CONDITION_TIMED_OUT";

  constructor(message: string, options?: GodwitErrorOptions) {
    super("CONDITION_TIMED_OUT", message, options);
  }
}

/**
 * A replay took another path than the first execution did, so recorded results no longer belong to its calls.
 *
 * @example if (error instanceof NonDeterminismError) console.error(error.message, error.details);
 */
export class NonDeterminismError extends GodwitError {
  /** @internal */
  static override readonly brand: string = "NonDeterminismError";
  declare readonly code: "NON_DETERMINISM";

  constructor(message: string, options?: GodwitErrorOptions) {
    super("NON_DETERMINISM", message, options);
  }
}

/**
 * Throw it from a task when trying again cannot help: the action fails at once, whatever attempts remain.
 * Given an error, it takes over its message and keeps it as the cause.
 *
 * @example throw new NonRecoverableError("the account is closed", { data: { account } });
 * @example throw new NonRecoverableError(error);
 */
export class NonRecoverableError extends GodwitError {
  /** @internal */
  static override readonly brand: string = "NonRecoverableError";
  declare readonly code: "NON_RECOVERABLE";

  constructor(reason: string | Error, options: GodwitErrorOptions = {}) {
    if (typeof reason === "string") super("NON_RECOVERABLE", reason, options);
    else super("NON_RECOVERABLE", reason.message, { cause: reason, ...options });
  }
}

type ErrorClass = {
  readonly brand: string;
  new (message: string, options?: GodwitErrorOptions): GodwitError;
};

/**
 * The class to catch for each code that has one of its own; every other code is a plain `GodwitError`.
 *
 * @example ERROR_CLASSES.ABORTED === AbortedError // true
 */
export const ERROR_CLASSES: { readonly [Code in ErrorCode]?: ErrorClass } = {
  TASK_FAILED: TaskError,
  OUT_OF_MEMORY: OutOfMemoryError,
  TIME_LIMIT: TimeLimitError,
  QUEUE_TIME_LIMIT: TimeLimitError,
  DEADLINE_EXCEEDED: TimeLimitError,
  INTERRUPTED: InterruptedError,
  RUNNER_LOST: InterruptedError,
  CAPACITY: CapacityError,
  ABORTED: AbortedError,
  RETRIES_EXHAUSTED: RetriesExhaustedError,
  RUN_FAILED: RunFailedError,
  CONDITION_TIMED_OUT: ConditionTimedOutError,
  NON_DETERMINISM: NonDeterminismError,
  NON_RECOVERABLE: NonRecoverableError,
};

/**
 * An error of the class that belongs to `code`.
 *
 * @example throw errorFor("ABORTED", "aborted by ana"); // an AbortedError
 */
export function errorFor(code: ErrorCode, message: string, options: GodwitErrorOptions = {}): GodwitError {
  const Class = Object.hasOwn(ERROR_CLASSES, code) ? ERROR_CLASSES[code] : undefined;
  return Class
    ? new Class(message, { ...options, code } as GodwitErrorOptions)
    : new GodwitError(code, message, options);
}
