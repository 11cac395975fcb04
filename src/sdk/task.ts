import type { OptionLevel } from "../core/call-options.ts";
import { callTask } from "./call.ts";
import type { CallTarget, TaskDefinition } from "./definition.ts";
import { checkKeys } from "./option-check.ts";
import { CALL_SETTINGS, nameLimit, parseLevel, resolveOptions } from "./options.ts";
import type { CheckPortable, GodwitTypeError, Nothing } from "./portable.ts";
import type { ActionPromise } from "./session.ts";
import type { OverrideSettings } from "./settings.ts";
import type { SchemaInput, SchemaOutput, StandardSchema } from "./standard-schema.ts";

/** What can be called, mapped over and run by its name: a {@link Task}, or a `RemoteTask` whose code is elsewhere. */
export interface CallableTask<Input, Output> {
  /** A task that takes nothing is called without an argument. */
  (input: Input): ActionPromise<Output>;
  /** `env.task`, the name it is known by everywhere. */
  readonly fullName: string;
  readonly definition: CallTarget;
}

/**
 * A task: called like the function it was made of. Inside a running task a call is a durable action, elsewhere it
 * is a plain call of the function.
 *
 * @example
 * const double = env.task(async function double(n: number) { return 2 * n; });
 * await double(21); // 42
 */
export interface Task<Input, Output> extends CallableTask<Input, Output> {
  readonly definition: TaskDefinition;
  /**
   * A copy with other settings, for one call site. Values replace those of the task, nothing is merged; name and
   * schemas stay as they are.
   *
   * @example await train.override({ resources: { memory: "16Gi" }, retries: 0 })(data)
   * @throws GodwitError OPTION_INVALID or RESOURCE_INVALID
   */
  override(settings: OverrideSettings): Task<Input, Output>;
}

// biome-ignore-start lint/suspicious/noExplicitAny: any function, whatever its types
/** A task of any type. */
export type AnyTask = Task<any, any>;
/** A function a task can be made of. */
export type TaskFunction = (input: any) => unknown;
type ResultOf<Fn> = Fn extends (...args: any) => infer Result ? Result : never;
type ParametersOf<Fn> = Fn extends (...args: infer Parameters) => unknown ? Parameters : never;
// biome-ignore-end lint/suspicious/noExplicitAny: see above

type MaybeSchema = StandardSchema | undefined;

/**
 * What is asked of the function: with a schema it takes what the schema parses to. Without one it may be any
 * function: a constraint with parameters would make `any` of every parameter that has no annotation.
 */
export type FunctionFor<Input extends MaybeSchema> = Input extends StandardSchema
  ? (input: SchemaOutput<Input>) => unknown
  : AnyFunction;
// biome-ignore lint/complexity/noBannedTypes: see above
export type AnyFunction = Function;

/** What callers give: the input type of the schema, else the function's parameter. */
export type InputOf<Fn, Schema extends MaybeSchema = undefined> = Schema extends StandardSchema
  ? Omittable<SchemaInput<Schema>>
  : ParametersOf<Fn> extends []
    ? Nothing
    : Omittable<ParametersOf<Fn>[0]>;

/** An argument may be left out when its type contains void, so whatever may be undefined gets it. */
type Omittable<Input> = unknown extends Input ? Input : undefined extends Input ? Input | Nothing : Input;

/** What callers get: the output type of the schema, else what the function returns. */
export type OutputOf<Fn, Schema extends MaybeSchema = undefined> = Schema extends StandardSchema
  ? SchemaOutput<Schema>
  : Awaited<ResultOf<Fn>>;

/**
 * Changes nothing when the function can be a task; else a type with a sentence that no function satisfies. The bare
 * function type, which stands for "not inferred yet" while the compiler tries overloads, has to pass.
 */
export type CheckTask<
  Fn,
  Input extends MaybeSchema = undefined,
  Output extends MaybeSchema = undefined,
> = AnyFunction extends Fn
  ? unknown
  : Fn extends TaskFunction
    ? CheckPortable<InputOf<Fn, Input>, "input"> &
        CheckPortable<OutputOf<Fn, Output>, "result"> &
        CheckResult<Output>
    : GodwitTypeError<"A task takes one value: put its parameters into an object.">;

type CheckResult<Output extends MaybeSchema> = Output extends StandardSchema
  ? (...args: never) => SchemaInput<Output> | PromiseLike<SchemaInput<Output>>
  : unknown;

/** Settings of the environment and of the task, kept for overrides. */
export type Levels = readonly OptionLevel[];

/** The callable of a definition. Not public: tasks are made by `env.task`. */
export function createTask<Input, Output>(definition: TaskDefinition, levels: Levels): Task<Input, Output> {
  const override = (settings: OverrideSettings): Task<Input, Output> => {
    const level = parseOverride(definition.name, settings);
    const nearer = [...levels, level];
    const options = resolveOptions(definition.name, nearer);
    return createTask({ ...definition, options, overrides: { ...definition.overrides, ...level } }, nearer);
  };
  return callable(definition, override) as Task<Input, Output>;
}

/** A function that calls a task, with what every task can be asked for. */
export function callable(definition: CallTarget, override: (settings: OverrideSettings) => unknown): unknown {
  const call = (input?: unknown): ActionPromise<unknown> => callTask(definition, input);
  return Object.defineProperties(call, {
    name: { value: definition.shortName },
    fullName: { value: definition.name, enumerable: true },
    definition: { value: definition, enumerable: true },
    override: { value: override },
  });
}

/** What an override of a task changes. @throws GodwitError OPTION_INVALID or RESOURCE_INVALID */
export function parseOverride(task: string, settings: OverrideSettings): OptionLevel {
  const where = `${task}.override`;
  checkKeys(settings, where, [...CALL_SETTINGS, "label"]);
  return nameLimit(task, parseLevel(settings, where));
}
