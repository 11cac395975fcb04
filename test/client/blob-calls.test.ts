import { expect, test } from "vitest";
import type { BlobAsk, BlobsBody, BlobsReply, LeasedBlobsBody } from "../../src/client/api.ts";
import { BlobCalls } from "../../src/client/blob-calls.ts";
import { Connection } from "../../src/client/connection.ts";

type Body = BlobsBody | LeasedBlobsBody;

/** A coordinator whose replies are given by hand. */
class HandCoordinator {
  readonly bodies: Body[] = [];
  readonly #waiting: (() => void)[] = [];
  isHolding = true;
  /** Requests for these are refused, with everything beside them. */
  readonly forbidden: string[] = [];
  readonly calls: BlobCalls;

  constructor(as: "client" | "runner" = "client") {
    const fetch: typeof globalThis.fetch = async (_, init) => {
      const body = JSON.parse(String(init?.body)) as Body;
      this.bodies.push(body);
      if (this.isHolding) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      return this.#answer(body);
    };
    this.calls = new BlobCalls(new Connection({ endpoint: "http://test", fetch }), { as });
  }

  release(): void {
    this.isHolding = false;
    for (const release of this.#waiting.splice(0)) release();
  }

  #answer({ requests }: Body): Response {
    const asks = requests.map((request) => ("ask" in request ? request.ask : request));
    const keys = asks.map((ask) => (ask.op === "list" ? ask.prefix : ask.key));
    if (keys.some((key) => this.forbidden.includes(key))) {
      const problem = { code: "FORBIDDEN", detail: `not ${keys.join()}`, hint: "h" };
      return Response.json(problem, { status: 403 });
    }
    const results = keys.map((key) =>
      key === "gone"
        ? { ok: false, problem: { code: "BLOB_STORE_UNAVAILABLE", detail: "no", hint: "h", attempts: 4 } }
        : { ok: true, answer: { info: { key } } },
    );
    return Response.json({ store: {}, results } as unknown as BlobsReply);
  }
}

const head = (key: string): Extract<BlobAsk, { op: "head" }> => ({ op: "head", key });
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `k${at}`);

test("what is asked while others are on their way travels together, and each gets its own answer", async () => {
  const coordinator = new HandCoordinator();
  const first = coordinator.calls.ask(head("first"));
  await tick();
  const second = coordinator.calls.ask(head("second"));
  await tick();
  const asked: Promise<{ info: unknown }>[] = [];
  for (const name of names(1_200)) {
    asked.push(coordinator.calls.ask(head(name)));
    if (asked.length % 300 === 0) await tick();
  }
  expect(coordinator.bodies).toHaveLength(2);
  coordinator.release();
  expect(await Promise.all(asked)).toEqual(names(1_200).map((key) => ({ info: { key } })));
  expect(await Promise.all([first, second])).toHaveLength(2);
  expect(coordinator.bodies.map(({ requests }) => requests.length)).toEqual([1, 1, 500, 500, 200]);
});

test("one that must not be asked fails alone, and one that cannot be answered too", async () => {
  const coordinator = new HandCoordinator();
  coordinator.forbidden.push("evil");
  coordinator.release();
  const [good, evil, gone] = await Promise.allSettled(
    ["good", "evil", "gone"].map((key) => coordinator.calls.ask(head(key))),
  );
  expect(good).toMatchObject({ status: "fulfilled", value: { info: { key: "good" } } });
  expect(evil).toMatchObject({ status: "rejected", reason: { code: "FORBIDDEN", message: "not evil" } });
  expect(gone).toMatchObject({ reason: { code: "BLOB_STORE_UNAVAILABLE", attempts: 4, retryable: true } });
});

test("whoever stops waiting hears of it at once", async () => {
  const coordinator = new HandCoordinator();
  const stop = new AbortController();
  const asked = coordinator.calls.ask(head("a"), { signal: stop.signal });
  const other = coordinator.calls.ask(head("b"));
  await tick();
  stop.abort(new Error("enough"));
  await expect(asked).rejects.toThrow("enough");
  await expect(coordinator.calls.ask(head("c"), { signal: stop.signal })).rejects.toThrow("enough");
  coordinator.release();
  expect(await other).toEqual({ info: { key: "b" } });
});

test("a runner names a lease for each", async () => {
  const coordinator = new HandCoordinator("runner");
  coordinator.release();
  await Promise.all(["l1", "l2"].map((lease) => coordinator.calls.ask(head(lease), { lease })));
  expect(coordinator.bodies).toEqual([
    { requests: ["l1", "l2"].map((lease) => ({ lease, ask: head(lease) })) },
  ]);
});
