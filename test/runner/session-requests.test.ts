import { expect, test } from "vitest";
import { LEASE_HEADER } from "../../src/core/protocol.ts";
import { type Execution, enterExecution } from "../../src/runner/console.ts";
import type { Session } from "../../src/runner/session.ts";
import { inSession, leaseHeaders, streamInSession } from "../../src/runner/session-requests.ts";

/** An execution whose lease the coordinator hears of, and that ends, when the test says so. */
class FakeExecution implements Execution {
  readonly #ended = new AbortController();
  readonly #known = Promise.withResolvers<void>();
  readonly session: Session;

  constructor() {
    const signal = this.#ended.signal;
    this.session = {
      grant: { lease: "r1/a0/nonce" },
      signal,
      get isOver() {
        return signal.aborted;
      },
    } as unknown as Session;
  }

  whenKnown(): Promise<void> {
    return this.#known.promise;
  }

  known(): this {
    this.#known.resolve();
    return this;
  }

  end(): void {
    this.#ended.abort(new Error("parked"));
  }
}

/** What became of a promise once nothing moves any more. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  const settled = promise.then(
    () => "fulfilled",
    () => "rejected",
  );
  return Promise.race([settled, new Promise<string>((resolve) => setImmediate(() => resolve("pending")))]);
}

test("a request names the lease of the execution that makes it", async () => {
  expect(leaseHeaders()).toEqual({});
  const headers = await enterExecution(new FakeExecution(), async () => {
    await Promise.resolve();
    return leaseHeaders();
  });
  expect(headers).toEqual({ [LEASE_HEADER]: "r1/a0/nonce" });
});

test("a request waits until the coordinator knows the lease", async () => {
  const execution = new FakeExecution();
  let sent = 0;
  const request = enterExecution(execution, () => inSession(undefined, async () => ++sent));
  expect([await stateOf(request), sent]).toEqual(["pending", 0]);
  execution.known();
  expect(await request).toBe(1);
});

test("a request of a session that is over is cut off, and its code hears nothing", async () => {
  const execution = new FakeExecution().known();
  const cut = enterExecution(execution, () =>
    inSession(
      undefined,
      (signal) => new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
    ),
  );
  const late = Promise.withResolvers<string>();
  const answered = enterExecution(execution, () => inSession(undefined, () => late.promise));
  const stream = enterExecution(execution, () =>
    streamInSession(undefined, async function* (signal) {
      yield 1;
      await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    }),
  );
  const items = stream[Symbol.asyncIterator]();
  expect(await enterExecution(execution, () => items.next())).toEqual({ done: false, value: 1 });
  const next = enterExecution(execution, () => items.next());
  execution.end();
  late.resolve("too late");
  expect(await Promise.all([cut, answered, next].map(stateOf))).toEqual(["pending", "pending", "pending"]);
  const after = enterExecution(execution, () => inSession(undefined, async () => "sent"));
  expect(await stateOf(after)).toBe("pending");
});

test("a request that fails while the session goes on is told, and so is the caller's own signal", async () => {
  const execution = new FakeExecution().known();
  const failing = (): Promise<never> => Promise.reject(new Error("no"));
  await expect(enterExecution(execution, () => inSession(undefined, failing))).rejects.toThrow("no");
  const given = AbortSignal.abort(new Error("mine"));
  const asked = enterExecution(execution, () => inSession(given, async (signal) => signal?.throwIfAborted()));
  await expect(asked).rejects.toThrow("mine");
  expect(await inSession(undefined, async (signal) => signal)).toBeUndefined();
});
