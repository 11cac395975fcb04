import { AbortedError } from "../core/errors.ts";
import type { ActionPromise } from "./session.ts";

/** Id of an action that was never issued: a plain call, or an input that was refused. */
const NO_ACTION = "";

/**
 * Runs `execute` as a plain call with the shape of a durable action; aborting rejects, it cannot stop the code.
 *
 * @param onAbort stops what goes on elsewhere
 */
export function plainAction<Result>(
  execute: () => Promise<Result>,
  onAbort: (reason: string) => void = noop,
): ActionPromise<Result> {
  let abort = (_reason?: string): void => undefined;
  const promise = new Promise<Result>((resolve, reject) => {
    abort = (reason = "aborted by the caller") => {
      reject(new AbortedError(reason));
      onAbort(reason);
    };
    execute().then(resolve, reject);
  });
  return Object.assign(promise, { actionId: NO_ACTION, abort });
}

/** An action that failed before it was issued. */
export function failedAction<Result>(error: unknown): ActionPromise<Result> {
  return Object.assign(Promise.reject<Result>(error), { actionId: NO_ACTION, abort: (): void => undefined });
}

/** `action` with its result passed through `finish`. */
export function mapAction<Result>(
  action: ActionPromise<unknown>,
  finish: (value: unknown) => Result | Promise<Result>,
): ActionPromise<Result> {
  return new LaterAction(null, () => action, finish);
}

/** Issues an action once `check` has resolved; a rejection of `check` is the outcome, and nothing is issued. */
export function actionAfter<Result>(
  check: Promise<unknown>,
  issue: () => ActionPromise<Result>,
): ActionPromise<Result> {
  return new LaterAction(check, issue, (value) => value as Result);
}

/**
 * An action that is issued a little later, or whose result is worked on.
 *
 * It subscribes to the inner action only when someone subscribes to it, because a session takes a `then` as the sign
 * that user code really awaits the action. It has to be a subclass: `await` calls the `then` of a subclass of
 * Promise, but never that of a plain one.
 */
class LaterAction<Result> extends Promise<Result> implements ActionPromise<Result> {
  readonly #issued: Promise<void> | null;
  readonly #finish: (value: unknown) => Result | Promise<Result>;
  readonly #settle: { resolve(value: Result | Promise<Result>): void; reject(error: unknown): void };
  #action: ActionPromise<unknown> | undefined;
  #isFollowed = false;

  /** What `then` returns is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  constructor(
    check: Promise<unknown> | null,
    issue: () => ActionPromise<unknown>,
    finish: (value: unknown) => Result | Promise<Result>,
  ) {
    const settle = { resolve: noop, reject: noop };
    super((resolve, reject) => Object.assign(settle, { resolve, reject }));
    this.#settle = settle;
    this.#finish = finish;
    if (check === null) this.#action = issue();
    const issueLate = (): void => {
      this.#action = issue();
    };
    this.#issued = check?.then(issueLate) ?? null;
  }

  get actionId(): string {
    return this.#action?.actionId ?? NO_ACTION;
  }

  abort(reason?: string): void {
    if (this.#action !== undefined) this.#action.abort(reason);
    // A check that fails is reported to whoever awaits the action.
    else this.#issued?.then(() => this.#action?.abort(reason), noop);
  }

  override then<Ok = Result, Failed = never>(
    onOk?: ((value: Result) => Ok | PromiseLike<Ok>) | null,
    onFailed?: ((error: unknown) => Failed | PromiseLike<Failed>) | null,
  ): Promise<Ok | Failed> {
    if (!this.#isFollowed) {
      this.#isFollowed = true;
      if (this.#issued === null) this.#follow();
      else this.#issued.then(() => this.#follow(), this.#settle.reject);
    }
    return super.then(onOk, onFailed);
  }

  #follow(): void {
    this.#action?.then(this.#finish).then(this.#settle.resolve, this.#settle.reject);
  }
}

function noop(): void {}
