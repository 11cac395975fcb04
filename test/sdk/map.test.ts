import { describe, expect, test } from "vitest";
import { TaskEnvironment } from "../../src/sdk/environment.ts";
import { group } from "../../src/sdk/group.ts";
import { map } from "../../src/sdk/map.ts";
import { FakeSession } from "./fake-session.ts";

const env = new TaskEnvironment({ name: "maps" });
const square = env.task(async function square(n: number) {
  if (n < 0) throw new RangeError(`${n} is negative`);
  return n * n;
});

async function* later(inputs: readonly number[]): AsyncGenerator<number> {
  for (const input of inputs) {
    await new Promise((resolve) => setImmediate(resolve));
    yield input;
  }
}

describe.each([
  ["outside a run", <Result>(fn: () => Result): Result => fn()],
  ["inside a run", <Result>(fn: () => Result): Result => new FakeSession().run(fn)],
])("%s", (_, inside) => {
  test.each([
    ["an array", () => [3, 1, 2]],
    ["a set", () => new Set([3, 1, 2])],
    ["a generator", () => [3, 1, 2].values()],
    ["an async generator", () => later([3, 1, 2])],
  ])("gives the results of %s in its order", async (_kind, inputs) => {
    for (const concurrency of [undefined, 0, 1, 2, 100]) {
      expect(await inside(() => map(square, inputs(), { concurrency }))).toEqual([9, 1, 4]);
    }
  });

  test("gives nothing for nothing", async () => {
    expect(await inside(() => map(square, []))).toEqual([]);
    expect(await inside(() => map(square, [], { concurrency: 3, settle: true }))).toEqual([]);
  });

  test("fails with the first failure", async () => {
    for (const concurrency of [0, 1, 2]) {
      await expect(inside(() => map(square, [1, -2, -3], { concurrency }))).rejects.toThrow("-2 is negative");
      await expect(inside(() => map(square, later([1, -2, -3]), { concurrency }))).rejects.toThrow(
        "-2 is negative",
      );
    }
  });

  test("gives failures as results when it settles", async () => {
    for (const concurrency of [0, 2]) {
      expect(await inside(() => map(square, [2, -1], { settle: true, concurrency }))).toEqual([
        { status: "fulfilled", value: 4 },
        { status: "rejected", reason: expect.objectContaining({ message: "-1 is negative" }) },
      ]);
    }
  });

  test("refuses settings it does not know", async () => {
    await expect(inside(() => map(square, [1], { concurrency: -1 }))).rejects.toMatchObject({
      code: "OPTION_INVALID",
    });
    const typo = { setle: true } as never;
    await expect(inside(() => map(square, [1], typo))).rejects.toThrow("Did you mean `settle`?");
  });
});

test("calls carry the number of their map, so that the parent is woken once", async () => {
  const session = new FakeSession();
  await session.run(() => Promise.all([map(square, [1, 2]), map(square, [3], { settle: true })]));
  expect(session.calls.map(({ options }) => options)).toEqual([
    { map: 1, group: "square_map" },
    { map: 1, group: "square_map" },
    { map: 2, group: "square_map", tolerated: true },
  ]);
});

test("a map inside a group stays in it", async () => {
  const session = new FakeSession();
  await session.run(() => group("load", () => map(square, [1])));
  expect(session.calls[0]?.options.group).toBe("load");
});

test("concurrency bounds the calls in flight and reads no further ahead", async () => {
  const session = new FakeSession();
  let read = 0;
  function* inputs(): Generator<number> {
    for (; read < 20; read++) {
      expect(read - session.calls.length).toBeLessThanOrEqual(0);
      yield read;
    }
  }
  expect(await session.run(() => map(square, inputs(), { concurrency: 3 }))).toHaveLength(20);
  expect(session.mostInFlight).toBe(3);
  expect(session.calls[0]?.options).not.toHaveProperty("map");
});

test("a bounded map issues nothing more after a failure, and closes its input", async () => {
  const session = new FakeSession();
  let isClosed = false;
  function* inputs(): Generator<number> {
    try {
      yield* [1, -1, 1, 1, 1, 1, 1];
    } finally {
      isClosed = true;
    }
  }
  await expect(session.run(() => map(square, inputs(), { concurrency: 1 }))).rejects.toThrow(
    "-1 is negative",
  );
  expect(session.calls).toHaveLength(2);
  expect(isClosed).toBe(true);
});

test("an input that fails to be read fails the map", async () => {
  function* inputs(): Generator<number> {
    yield 1;
    throw new Error("disk");
  }
  await expect(map(square, inputs())).rejects.toThrow("disk");
  await expect(map(square, inputs(), { settle: true, concurrency: 1 })).rejects.toThrow("disk");
});

test("250,000 inputs take seconds, not minutes", async () => {
  const count = 250_000;
  const numbers = Array.from({ length: count }, (_, index) => index);
  for (const concurrency of [0, 1_000]) {
    const results = await map(square, numbers, { concurrency });
    expect(results).toHaveLength(count);
    expect(results[count - 1]).toBe((count - 1) ** 2);
  }
}, 20_000);
