import { GodwitError } from "../core/errors.ts";
import { plainAction } from "./action-promise.ts";
import { taskName } from "./name.ts";
import { checkKeys, checkText, isRecord, optionError } from "./option-check.ts";
import type { CheckPortable } from "./portable.ts";
import { type ActionPromise, currentSession, sessionStorage } from "./session.ts";
import type { AnyFunction } from "./task.ts";
import { streamTrace } from "./trace-stream.ts";
import { TraceView } from "./trace-view.ts";

/** Settings of a traced function. */
export interface TraceSettings {
  /** Default: the name of the function. */
  readonly name?: string | undefined;
}

// biome-ignore-start lint/suspicious/noExplicitAny: any function, whatever its types
/** A function that can be traced. */
export type TraceFunction = (...args: any[]) => unknown;

/** What a traced function gives: a generator stays one, everything else becomes a promise. */
export type Traced<Fn> = Fn extends (...args: infer Args) => infer Result
  ? (...args: Args) => TracedResult<Result>
  : never;

type TracedResult<Result> = 0 extends 1 & Result
  ? ActionPromise<any>
  : [Result] extends [AsyncGenerator<infer Item, infer Return, any>]
    ? AsyncGenerator<Item, Return, void>
    : ActionPromise<Awaited<Result>>;

type Recorded<Result> = 0 extends 1 & Result
  ? any
  : Result extends AsyncGenerator<infer Item, infer Return, any>
    ? Item | Return
    : Awaited<Result>;

type CheckTrace<Fn> = AnyFunction extends Fn
  ? unknown
  : Fn extends (...args: infer Args) => infer Result
    ? CheckPortable<Args, "args"> & CheckPortable<Recorded<Result>, "result">
    : never;
// biome-ignore-end lint/suspicious/noExplicitAny: see above

/**
 * Makes a helper durable: its result is recorded inside the running task, under its name and arguments, and a replay
 * gives the record instead of executing it again. Use it for whatever may differ between two executions, such as
 * HTTP requests and model calls. Task calls are not allowed inside; nested traces are plain calls.
 *
 * An async generator is executed to its end as fast as it goes, whatever the pace of its reader, so that the record is
 * complete before the task is parked. Its items reach the reader as they come, the first time; a replay yields the
 * recorded ones. If the process dies before the record is complete, the generator is executed again and its items
 * may differ from those seen.
 *
 * Outside a task a traced function is the plain function.
 *
 * @example
 * const fetchPage = trace(async function fetchPage(url: string) { return (await fetch(url)).text(); });
 * const page = await fetchPage("https://example.com");
 *
 * const answer = trace(async function* answer(prompt: string) { yield* model.stream(prompt); });
 * for await (const token of answer("Why?")) ctx().log.info(token);
 * @throws GodwitError TASK_NAME_MISSING, TASK_NAME_INVALID or OPTION_INVALID when it is defined, TRACE_NESTED_CALL when
 *   the helper calls a task
 */
export function trace<Fn extends AnyFunction>(fn: Fn & CheckTrace<Fn>): Traced<Fn>;
export function trace<Fn extends AnyFunction>(settings: TraceSettings, fn: Fn & CheckTrace<Fn>): Traced<Fn>;
export function trace(first: TraceSettings | TraceFunction, second?: TraceFunction): TraceFunction {
  const fn = (typeof first === "function" ? first : second) as TraceFunction | undefined;
  if (typeof fn !== "function") throw optionError(fn, "trace", "a function");
  const name = taskName(fn, typeof first === "function" ? undefined : givenName(first), "trace");
  const traced = isAsyncGenerator(fn, name) ? tracedStream(name, fn) : tracedCall(name, fn);
  return Object.defineProperty(traced, "name", { value: name });
}

function givenName(settings: TraceSettings): string | undefined {
  if (!isRecord(settings)) throw optionError(settings, "trace", "settings and a function");
  checkKeys(settings, "trace", ["name"]);
  return settings.name === undefined ? undefined : checkText(settings.name, "trace: `name`");
}

function tracedCall(name: string, fn: TraceFunction): TraceFunction {
  return (...args) => {
    const session = currentSession();
    if (session === undefined) return plainAction(async () => fn(...args));
    const body = (): unknown => sessionStorage().run(new TraceView(session, name), () => fn(...args));
    return session.trace({ name, args, execute: body });
  };
}

function tracedStream(name: string, fn: TraceFunction): TraceFunction {
  return (...args) => {
    const session = currentSession();
    const open = (): AsyncGenerator => fn(...args) as AsyncGenerator;
    return session === undefined ? open() : streamTrace(session, { name, args, open });
  };
}

function isAsyncGenerator(fn: TraceFunction, name: string): boolean {
  const kind = Object.prototype.toString.call(fn);
  if (kind === "[object GeneratorFunction]") {
    throw new GodwitError("OPTION_INVALID", `trace: \`${name}\` is a synchronous generator`, {
      hint: "Make it an `async function*`, or return an array.",
    });
  }
  return kind === "[object AsyncGeneratorFunction]";
}
