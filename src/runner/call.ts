import type { ActionKind } from "../core/call.ts";
import { type Outcome, readOutcome } from "../core/outcome.ts";
import { isStored } from "../core/value/stored.ts";
import type { EncodedValue } from "../core/value.ts";
import type { ActionPromise } from "../sdk/session.ts";

/**
 * A call of one session. `sending`: not acknowledged by the coordinator yet. `executing`: a trace runs here.
 * `waiting`: recorded, its result is not in. `settled`: the result was delivered to user code.
 */
export type CallState = "sending" | "executing" | "waiting" | "settled";

/** What a call tells its session. */
export interface CallOwner {
  onAwaited(call: SessionCall): void;
  abortCall(call: SessionCall, reason: string): void;
}

export class SessionCall {
  readonly id: string;
  readonly kind: ActionKind;
  readonly map: number | null;
  state: CallState = "sending";
  /** User code has asked for the result. */
  isAwaited = false;
  /** The result, while it is still in the blob store: it is fetched when user code asks for it. */
  unread: EncodedValue | null = null;
  /** @internal Set by the promise when it is made. */
  resolve: (value: unknown) => void = noop;
  /** @internal */
  reject: (error: unknown) => void = noop;
  readonly promise: ActionPromise<unknown>;

  constructor(
    owner: CallOwner,
    of: { readonly id: string; readonly kind: ActionKind; readonly map: number | null },
  ) {
    this.id = of.id;
    this.kind = of.kind;
    this.map = of.map;
    this.promise = new CallPromise(this, owner);
  }

  /** Gives the outcome to user code. Values pass through the codec on the first run too, so replays see the same types. */
  deliver(outcome: Outcome): void {
    this.state = "settled";
    this.unread = outcome.ok && isStored(outcome.value) ? outcome.value : null;
    if (this.unread !== null) return;
    try {
      this.resolve(readOutcome(outcome));
    } catch (error) {
      // Nobody has to await a call: a failure that no code asked for must not end the process.
      Promise.prototype.then.call(this.promise, undefined, noop);
      this.reject(error);
    }
  }
}

/** Its `then` tells the session that user code awaits the call. `await` calls the `then` of a subclass only. */
class CallPromise extends Promise<unknown> implements ActionPromise<unknown> {
  readonly #call: SessionCall;
  readonly #owner: CallOwner;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  constructor(call: SessionCall, owner: CallOwner) {
    super((resolve, reject) => {
      call.resolve = resolve;
      call.reject = reject;
    });
    this.#call = call;
    this.#owner = owner;
  }

  get actionId(): string {
    return this.#call.id;
  }

  abort(reason = "aborted by its parent"): void {
    this.#owner.abortCall(this.#call, reason);
  }

  override then<Ok = unknown, Failed = never>(
    onOk?: ((value: unknown) => Ok | PromiseLike<Ok>) | null,
    onFailed?: ((error: unknown) => Failed | PromiseLike<Failed>) | null,
  ): Promise<Ok | Failed> {
    this.#owner.onAwaited(this.#call);
    return super.then(onOk, onFailed);
  }
}

function noop(): void {}

/** A promise that never settles, for calls of a session that was dropped: nothing may run through user code. */
export function neverSettles(): ActionPromise<never> {
  const promise = new Promise<never>(noop);
  return Object.assign(promise, { actionId: "", abort: noop });
}
