import type { OptionLevel } from "../core/call-options.ts";
import { GodwitError } from "../core/errors.ts";
import type { EnvironmentDefinition, TaskDefinition } from "./definition.ts";
import { checkEnvironmentName, taskName } from "./name.ts";
import { checkKeys, checkText, checkTextMap, isRecord, optionError } from "./option-check.ts";
import { CALL_SETTINGS, parseLevel, resolveOptions } from "./options.ts";
import { registerEnvironment, registerTask } from "./registry.ts";
import type { EnvironmentSettings, TaskSettings } from "./settings.ts";
import type { StandardSchema } from "./standard-schema.ts";
import {
  type AnyFunction,
  type CheckTask,
  createTask,
  type FunctionFor,
  type InputOf,
  type OutputOf,
  type Task,
  type TaskFunction,
} from "./task.ts";

/**
 * A named set of settings that its tasks share: what they need, and how they are retried, cached and limited.
 *
 * @example
 * const env = new TaskEnvironment({ name: "hello", resources: { cpu: 1, memory: "512Mi" }, retries: 3 });
 *
 * export const main = env.task(async function main({ name }: { name: string }) {
 *   return `Hello ${name}`;
 * });
 */
export class TaskEnvironment {
  readonly definition: EnvironmentDefinition;
  readonly #level: OptionLevel;
  readonly #names = new Set<string>();

  /** @throws GodwitError ENVIRONMENT_NAME_INVALID, OPTION_INVALID or RESOURCE_INVALID */
  constructor(settings: EnvironmentSettings) {
    if (!isRecord(settings)) throw optionError(settings, "new TaskEnvironment", "an object with a `name`");
    const name = checkEnvironmentName(settings.name);
    const where = `environment \`${name}\``;
    checkKeys(settings, where, ["name", "description", "env", "dependsOn", ...CALL_SETTINGS]);
    this.#level = parseLevel(settings, where);
    const given = settings.dependsOn ?? [];
    const dependencies = (): readonly string[] =>
      checkDependencies(typeof given === "function" ? given() : given, `${where}: \`dependsOn\``);
    const known = typeof given === "function" ? undefined : dependencies();
    this.definition = Object.freeze({
      name,
      description: optionalText(settings.description, `${where}: \`description\``),
      env: checkTextMap(settings.env ?? {}, `${where}: \`env\``),
      get dependsOn() {
        return known ?? dependencies();
      },
    });
    registerEnvironment(this.definition);
  }

  get name(): string {
    return this.definition.name;
  }

  /**
   * Makes a task of a function of at most one parameter. Its name is the function's.
   *
   * Types come from the function, or from the schemas: with `input`, callers give what the schema accepts and the
   * function gets what it parses to; with `output`, the function returns what the schema accepts and callers get
   * what it parses to. Schemas are any Standard Schema (zod, valibot, arktype, …).
   *
   * @example
   * const predict = env.task({ input: z.object({ x: z.number() }), cache: "auto" }, async function predict({ x }) {
   *   return 2 * x;
   * });
   * @throws GodwitError TASK_NAME_MISSING, TASK_NAME_INVALID, TASK_DUPLICATE, OPTION_INVALID, SCHEMA_UNSUPPORTED
   */
  task<Fn extends AnyFunction>(fn: Fn & CheckTask<Fn>): Task<InputOf<Fn>, OutputOf<Fn>>;
  task<
    Fn extends FunctionFor<Input>,
    Input extends StandardSchema | undefined = undefined,
    Output extends StandardSchema | undefined = undefined,
  >(
    settings: TaskSettings<Input, Output>,
    fn: Fn & CheckTask<Fn, Input, Output>,
  ): Task<InputOf<Fn, Input>, OutputOf<Fn, Output>>;
  task(first: TaskSettings | TaskFunction, second?: TaskFunction): Task<unknown, unknown> {
    const [settings, fn] = typeof first === "function" ? [{}, first] : [first, second];
    return this.#define(settings, fn);
  }

  #define(settings: TaskSettings, given: TaskFunction | undefined): Task<unknown, unknown> {
    const fn = checkFunction(given, `a task of environment \`${this.name}\``);
    if (settings.name !== undefined) checkText(settings.name, "`name`");
    const shortName = taskName(fn, settings.name, "task");
    const name = `${this.name}.${shortName}`;
    const where = `task \`${name}\``;
    checkKeys(settings, where, ["name", "description", "input", "output", ...CALL_SETTINGS]);
    const levels = [this.#level, parseLevel(settings, where)];
    const definition: TaskDefinition = Object.freeze({
      name,
      shortName,
      description: optionalText(settings.description, `${where}: \`description\``),
      environment: this.definition,
      fn,
      input: checkSchema(settings.input, `${where}: \`input\``),
      output: checkSchema(settings.output, `${where}: \`output\``),
      options: resolveOptions(name, levels),
      definedAt: callSites(),
    });
    // Last, so that a definition which failed can be corrected and tried again, as in a notebook.
    this.#claimName(shortName);
    registerTask(definition);
    return createTask(definition, levels);
  }

  #claimName(name: string): void {
    if (this.#names.has(name)) {
      throw new GodwitError("TASK_DUPLICATE", `environment \`${this.name}\` has a task \`${name}\` already`);
    }
    this.#names.add(name);
  }
}

/** Deep enough to reach the module at the bottom when a helper of the user's defines tasks. */
const SITE_FRAMES = 50;

/** The places on the stack, `url:line:column`, nearest first; none where the engine has no structured stacks. */
function callSites(): readonly string[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = SITE_FRAMES;
  // As the engine has them: whatever maps stacks to sources, the code hash does that by itself.
  Error.prepareStackTrace = (_, sites) =>
    sites.map((site) => `${site.getFileName()}:${site.getLineNumber()}:${site.getColumnNumber()}`);
  const { stack }: { readonly stack?: unknown } = new Error("a task was defined here");
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  return Array.isArray(stack) ? stack : [];
}

function checkFunction(fn: unknown, where: string): TaskFunction {
  if (typeof fn !== "function") throw optionError(fn, where, "a function");
  if (fn.length > 1) {
    throw new GodwitError("OPTION_INVALID", `${where}: \`${fn.name}\` has ${fn.length} parameters`, {
      hint: "A task takes one value: put the parameters into an object, `async function f({ a, b }: …)`.",
    });
  }
  if (Object.prototype.toString.call(fn).includes("Generator")) {
    throw new GodwitError("OPTION_INVALID", `${where}: \`${fn.name}\` is a generator`, {
      hint: "Return an array, or wrap a generator helper in `trace` and call it from the task.",
    });
  }
  return fn as TaskFunction;
}

function checkSchema(schema: unknown, where: string): StandardSchema | undefined {
  if (schema === undefined) return undefined;
  const holder = schema as { "~standard"?: { validate?: unknown } } | null;
  if (typeof holder?.["~standard"]?.validate === "function") return schema as StandardSchema;
  throw new GodwitError("SCHEMA_UNSUPPORTED", `${where} is not a Standard Schema`);
}

function checkDependencies(given: unknown, where: string): readonly string[] {
  if (!Array.isArray(given)) throw optionError(given, where, "an array of environments");
  return given.map((dependency: unknown, index) => {
    if (dependency instanceof TaskEnvironment) return dependency.name;
    throw optionError(dependency, `${where}[${index}]`, "a TaskEnvironment");
  });
}

function optionalText(given: unknown, where: string): string | null {
  return given === undefined ? null : checkText(given, where);
}
