/** Settings of a call in a program. */
export interface CallShape {
  /** Attempts that fail before one succeeds; retries suffice. */
  readonly failFirst?: number;
  readonly retryDelayMs?: number;
  /** A concurrency key that at most `limit` actions hold. */
  readonly key?: { readonly name: string; readonly limit: number };
  readonly priority?: number;
  /** Generous limit that only sets timers. */
  readonly attemptMs?: number;
}

/**
 * A workflow as data: it travels as the input of tasks, which interpret it. Whatever it does has one result for every
 * schedule, except where somebody has to be first; such a part has a constant as its result.
 */
export type Program =
  | { readonly op: "value"; readonly n: number }
  /** A plain await of something that is not durable. */
  | { readonly op: "wait"; readonly ms: number }
  | { readonly op: "boom" }
  | { readonly op: "sequence"; readonly parts: readonly Program[] }
  | { readonly op: "all" | "settled" | "race" | "any"; readonly parts: readonly Program[] }
  | { readonly op: "call"; readonly body: Program; readonly shape: CallShape }
  | {
      readonly op: "map";
      readonly bodies: readonly Program[];
      readonly settle: boolean;
      readonly concurrency: number;
    }
  /** Races calls, aborts the losers and waits for all of them. */
  | { readonly op: "winner"; readonly bodies: readonly Program[] }
  | { readonly op: "try"; readonly body: Program; readonly otherwise: Program }
  /** Calls once more with other settings when the call failed. */
  | { readonly op: "again"; readonly body: Program }
  | { readonly op: "repeat"; readonly body: Program; readonly times: number }
  | { readonly op: "trace"; readonly how: "sync" | "async" | "fail"; readonly n: number }
  | { readonly op: "sleep"; readonly ms: number }
  | { readonly op: "ask"; readonly name: string; readonly timeoutMs: number | null }
  | { readonly op: "draw" }
  | { readonly op: "checkpoint"; readonly n: number }
  | { readonly op: "fire"; readonly body: Program }
  | { readonly op: "recurse"; readonly depth: number; readonly width: number }
  | { readonly op: "cached"; readonly key: number; readonly serialize: boolean }
  /** A call that cannot make it in time. */
  | { readonly op: "late"; readonly limit: "attempt" | "deadline" };

export type Expected = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

const FAILED: Expected = { ok: false };

function value(of: unknown): Expected {
  return { ok: true, value: of };
}

/** What a program results in when nothing disturbs it, and so whatever disturbs it. */
export function expectedOf(program: Program): Expected {
  switch (program.op) {
    case "value":
    case "checkpoint":
      return value(program.n);
    case "wait":
      return value("waited");
    case "boom":
    case "late":
      return FAILED;
    case "sequence":
    case "all":
      return gathered(program.parts);
    case "settled":
      return value(program.parts.map(orFailed));
    case "race":
      return value("raced");
    case "any":
      return program.parts.some((part) => expectedOf(part).ok) ? value("any") : FAILED;
    case "call":
      return expectedOf(program.body);
    case "map":
      return program.settle ? value(program.bodies.map(orFailed)) : gathered(program.bodies);
    case "winner":
      return value("won");
    case "try": {
      const body = expectedOf(program.body);
      return body.ok ? body : expectedOf(program.otherwise);
    }
    case "again":
      return expectedOf(program.body);
    case "repeat":
      return gathered(Array.from({ length: program.times }, () => program.body));
    case "trace":
      return program.how === "fail" ? FAILED : value(program.n);
    case "sleep":
      return value("slept");
    case "ask":
      return value("asked");
    case "draw":
      return value("drawn");
    case "fire":
      return value("fired");
    case "recurse":
      return value(program.width ** program.depth);
    case "cached":
      return value(program.key);
  }
}

function gathered(parts: readonly Program[]): Expected {
  const results = parts.map(expectedOf);
  return results.every((result) => result.ok)
    ? value(results.map((result) => (result as { value: unknown }).value))
    : FAILED;
}

function orFailed(part: Program): unknown {
  const result = expectedOf(part);
  return result.ok ? result.value : "failed";
}

/** Every program inside, itself included. */
export function* partsOf(program: Program): Generator<Program> {
  yield program;
  const below =
    "parts" in program
      ? program.parts
      : "bodies" in program
        ? program.bodies
        : "body" in program
          ? program.op === "try"
            ? [program.body, program.otherwise]
            : [program.body]
          : [];
  for (const part of below) yield* partsOf(part);
}

/** Whether the action that interprets a program awaits anything that is not durable. */
export function hasPlainAwait(program: Program): boolean {
  return [...partsOf(program)].some(({ op }) => op === "wait" || op === "checkpoint");
}
