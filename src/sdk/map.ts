import type { CallOptions } from "../core/call.ts";
import { callTask } from "./call.ts";
import type { CallTarget } from "./definition.ts";
import { checkBoolean, checkInteger, checkKeys } from "./option-check.ts";
import { currentSession, type TaskSession } from "./session.ts";
import { currentGroup } from "./session-view.ts";
import type { CallableTask } from "./task.ts";

/** How a {@link map} goes about it. */
export interface MapSettings {
  /** Calls in flight at once; 0 (default) does not limit. Calls wait in Godwit's queue anyway, so it is rarely needed. */
  readonly concurrency?: number | undefined;
  /** True: failures are results. False (default): the first failure rejects the whole map. */
  readonly settle?: boolean | undefined;
}

/** Result of one input of a map with `settle: true`. */
export type SettledResult<Output> =
  | { readonly status: "fulfilled"; readonly value: Output }
  | { readonly status: "rejected"; readonly reason: Error };

/** What a map reads from. */
export type Inputs<Input> = Iterable<Input> | AsyncIterable<Input>;

/**
 * Calls a task once per input and gives the results in the order of the inputs. In a running task the calls appear
 * as the group `<task>_map`, and the parent sleeps until all of them have settled.
 *
 * @example
 * const pages = await map(fetchPage, urls);
 * const results = await map(fetchPage, urls, { settle: true });
 * const failed = results.filter((result) => result.status === "rejected");
 * @throws the first failure, unless `settle` is set; GodwitError OPTION_INVALID
 */
export function map<Input, Output>(
  task: CallableTask<Input, Output>,
  inputs: Inputs<NoInfer<Input>>,
  settings: MapSettings & { readonly settle: true },
): Promise<SettledResult<Output>[]>;
export function map<Input, Output>(
  task: CallableTask<Input, Output>,
  inputs: Inputs<NoInfer<Input>>,
  settings?: MapSettings & { readonly settle?: false | undefined },
): Promise<Output[]>;
export async function map<Input, Output>(
  task: CallableTask<Input, Output>,
  inputs: Inputs<Input>,
  settings: MapSettings = {},
): Promise<unknown[]> {
  const { definition } = task;
  const where = `map of \`${definition.name}\``;
  checkKeys(settings, where, ["concurrency", "settle"]);
  const concurrency = checkInteger(settings.concurrency ?? 0, `${where}: \`concurrency\``, 0);
  const isSettling = checkBoolean(settings.settle ?? false, `${where}: \`settle\``);
  const isBounded = concurrency > 0 && !(Array.isArray(inputs) && inputs.length <= concurrency);
  const extra = mapOptions(currentSession(), definition, { isSettling, isBounded });
  const call = (input: unknown): PromiseLike<unknown> => callTask(definition, input, extra);
  const gathered = new Gathering(isSettling);
  if (Symbol.iterator in inputs && !isBounded) {
    // Without an await between two calls: they are issued as one batch, and a replay issues the same batch.
    for (const input of inputs) gathered.add(call(input));
  } else {
    for await (const input of inputs) {
      gathered.add(call(input));
      if (isBounded) await gathered.below(concurrency);
      else gathered.throwFailure();
    }
  }
  await gathered.below(1);
  return gathered.results;
}

function mapOptions(
  session: TaskSession | undefined,
  definition: CallTarget,
  how: { readonly isSettling: boolean; readonly isBounded: boolean },
): CallOptions {
  if (session === undefined) return {};
  return {
    group: currentGroup(session) ?? `${definition.shortName}_map`,
    // A bounded map has to issue the next call when one settles: a parent that slept until all calls in flight were
    // done would leave most of the slots empty. It is woken like any other parent instead.
    ...(!how.isBounded && { map: session.nextMap() }),
    ...(how.isSettling && { tolerated: true }),
  };
}

interface Waiter {
  readonly limit: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Results by index. One subscription per call and nothing quadratic: a map may have 250,000 inputs. */
class Gathering {
  readonly results: unknown[] = [];
  readonly #isSettling: boolean;
  #unsettled = 0;
  #failure: { readonly reason: unknown } | undefined;
  #waiter: Waiter | undefined;

  constructor(isSettling: boolean) {
    this.#isSettling = isSettling;
  }

  add(call: PromiseLike<unknown>): void {
    const index = this.results.length;
    this.results.push(undefined);
    this.#unsettled++;
    call.then(
      (value) => this.#settle(index, this.#isSettling ? { status: "fulfilled", value } : value),
      (reason: unknown) => {
        if (this.#isSettling) this.#settle(index, { status: "rejected", reason });
        else this.#fail(reason);
      },
    );
  }

  /** Resolves when fewer than `limit` calls are unsettled. @throws the first failure. */
  below(limit: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiter = { limit, resolve, reject };
      this.#notify();
    });
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  #settle(index: number, result: unknown): void {
    this.results[index] = result;
    this.#unsettled--;
    this.#notify();
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#notify();
  }

  #notify(): void {
    if (this.#waiter === undefined) return;
    if (this.#failure !== undefined) this.#waiter.reject(this.#failure.reason);
    else if (this.#unsettled < this.#waiter.limit) this.#waiter.resolve();
  }
}
