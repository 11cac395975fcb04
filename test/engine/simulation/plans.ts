import fc from "fast-check";
import type { CallShape, Program } from "../../../src/testing/simulation/program.ts";
import { hasPlainAwait, partsOf } from "../../../src/testing/simulation/program.ts";
import type { Plan, PlannedRun } from "../../../src/testing/simulation/simulation.ts";

const small = fc.integer({ min: 0, max: 3 });

const shape: fc.Arbitrary<CallShape> = fc.record(
  {
    failFirst: fc.integer({ min: 1, max: 3 }),
    retryDelayMs: fc.constantFrom(10, 200),
    key: fc.constantFrom({ name: "k1", limit: 1 }, { name: "k2", limit: 2 }),
    priority: fc.integer({ min: -1, max: 1 }),
    attemptMs: fc.constant(600_000),
  },
  { requiredKeys: [] },
);
const mostlyPlain: fc.Arbitrary<CallShape> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  { weight: 2, arbitrary: shape },
);

const { program } = fc.letrec<{ program: Program; leaf: Program }>((tie) => {
  const many = fc.array(tie("program"), { minLength: 1, maxLength: 4 });
  const two = fc.array(tie("program"), { minLength: 2, maxLength: 3 });
  const op = <Name extends string, Rest>(name: Name, rest: fc.Arbitrary<Rest>) =>
    rest.map((fields) => ({ op: name, ...fields }) as unknown as Program);
  return {
    leaf: fc.oneof(
      op("value", fc.record({ n: small })),
      op("wait", fc.record({ ms: fc.constantFrom(1, 30) })),
      op("boom", fc.constant({})),
      op("trace", fc.record({ how: fc.constantFrom("sync", "async", "fail"), n: small })),
      op("sleep", fc.record({ ms: fc.constantFrom(0, 20, 500) })),
      op(
        "ask",
        fc.record({ name: fc.constantFrom("q1", "q2"), timeoutMs: fc.constantFrom(null, 100, 2_000) }),
      ),
      op("draw", fc.constant({})),
      op("checkpoint", fc.record({ n: small })),
      op("recurse", fc.record({ depth: fc.integer({ min: 1, max: 3 }), width: fc.constantFrom(1, 2) })),
      op("cached", fc.record({ key: fc.constantFrom(1, 2), serialize: fc.boolean() })),
      op("late", fc.record({ limit: fc.constantFrom("attempt", "deadline") })),
    ),
    program: fc.oneof(
      { maxDepth: 5, depthSize: 1.2, withCrossShrink: true },
      { weight: 3, arbitrary: tie("leaf") },
      { weight: 6, arbitrary: op("call", fc.record({ body: tie("program"), shape: mostlyPlain })) },
      { weight: 2, arbitrary: op("sequence", fc.record({ parts: many })) },
      { weight: 3, arbitrary: op("all", fc.record({ parts: many })) },
      { weight: 1, arbitrary: op("settled", fc.record({ parts: many })) },
      { weight: 2, arbitrary: op("race", fc.record({ parts: two })) },
      { weight: 1, arbitrary: op("any", fc.record({ parts: two })) },
      { weight: 2, arbitrary: op("winner", fc.record({ bodies: two })) },
      {
        weight: 2,
        arbitrary: op(
          "map",
          fc.record({ bodies: many, settle: fc.boolean(), concurrency: fc.constantFrom(0, 1, 2) }),
        ),
      },
      { weight: 2, arbitrary: op("try", fc.record({ body: tie("program"), otherwise: tie("program") })) },
      { weight: 1, arbitrary: op("again", fc.record({ body: tie("program") })) },
      {
        weight: 1,
        arbitrary: op("repeat", fc.record({ body: tie("program"), times: fc.constantFrom(2, 3) })),
      },
      { weight: 1, arbitrary: op("fire", fc.record({ body: tie("program") })) },
    ),
  };
});

const MAX_PARTS = 40;

const run: fc.Arbitrary<PlannedRun> = fc
  .record({
    program: program.filter((one) => [...partsOf(one)].length <= MAX_PARTS),
    suspend: fc.constantFrom("auto", "auto", "always", "never" as const),
    actionLimit: fc.constantFrom(null, null, null, 1, 2),
    isStrict: fc.boolean(),
    startMs: fc.integer({ min: 0, max: 500 }),
    abortMs: fc.oneof(
      { weight: 5, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 2_000 }) },
    ),
  })
  .map((one): PlannedRun => {
    const hasWait = hasPlainAwait(one.program);
    const suspend = one.suspend as PlannedRun["suspend"];
    return {
      ...one,
      suspend,
      // A parent that is never parked keeps its place while it waits, so that its own calls could wait for it.
      program: suspend === "never" ? withoutKeys(one.program) : one.program,
      actionLimit: suspend === "never" ? null : one.actionLimit,
      // A plain wait may take longer in a replay than whoever replays is patient.
      isStrict: one.isStrict && !hasWait,
    };
  });

function withoutKeys(of: Program): Program {
  return JSON.parse(
    JSON.stringify(of, (name, value) => (name === "key" && typeof value === "object" ? undefined : value)),
  );
}

/** One to three runs that share runners, keys and cache. */
export const plan: fc.Arbitrary<Plan> = fc.record({ runs: fc.array(run, { minLength: 1, maxLength: 3 }) });

/** The plan of a seed. */
export function planOf(seed: number): Plan {
  return fc.sample(plan, { seed, numRuns: 1 })[0] as Plan;
}
