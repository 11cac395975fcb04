import { GodwitError } from "../core/errors.ts";
import { quote } from "./schema.ts";

const ENVIRONMENT_NAME = /^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$/;
const ENVIRONMENT_CHARACTERS = 63;
const TASK_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const TASK_CHARACTERS = 100;
const MINIFIED = /^(?:async )?(?:function\*? ?)?[\w$]{1,2}\([^)]*\)(?:=>|\{)/;

/** `name` when an environment may have it. @throws GodwitError ENVIRONMENT_NAME_INVALID */
export function checkEnvironmentName(name: unknown): string {
  if (typeof name === "string" && name.length <= ENVIRONMENT_CHARACTERS && ENVIRONMENT_NAME.test(name))
    return name;
  throw new GodwitError("ENVIRONMENT_NAME_INVALID", `${quote(name)} cannot name an environment`, {
    hint: `Use snake or kebab case in lower case letters and digits, at most ${ENVIRONMENT_CHARACTERS} characters, for example \`${suggestName(name)}\`.`,
  });
}

function suggestName(name: unknown): string {
  const words = String(name ?? "").match(/[A-Z]?[a-z0-9]+|[A-Z]+/g) ?? [];
  const suggested = words
    .join("-")
    .toLowerCase()
    .replace(/^[0-9-]+/, "")
    .slice(0, ENVIRONMENT_CHARACTERS);
  return ENVIRONMENT_NAME.test(suggested) ? suggested : "train-models";
}

/**
 * Name of a task or trace: `given`, else the function's own.
 *
 * @throws GodwitError TASK_NAME_MISSING for an anonymous function, TASK_NAME_INVALID for a name that cannot be used
 */
export function taskName(
  fn: (...args: never) => unknown,
  given: string | undefined,
  what: "task" | "trace",
): string {
  const name = given ?? fn.name;
  if (name === "") {
    throw new GodwitError("TASK_NAME_MISSING", `a ${what} needs a name, and this function has none`, {
      hint: `Give a named function, \`async function ${what === "task" ? "predict" : "fetchPage"}(…) {…}\`, or set \`name\`.`,
    });
  }
  if (name.length > TASK_CHARACTERS || !TASK_NAME.test(name)) {
    throw new GodwitError("TASK_NAME_INVALID", `${quote(name)} cannot name a ${what}`, {
      hint: `Use letters, digits, \`_\` and \`-\`, at most ${TASK_CHARACTERS} characters; set \`name\` if the function must be called otherwise.`,
    });
  }
  if (given === undefined && MINIFIED.test(Function.prototype.toString.call(fn))) {
    throw new GodwitError("TASK_NAME_INVALID", `${quote(name)} looks like the name of a minified function`, {
      hint: "Names are part of a run's identity: keep function names when you minify (esbuild: `keepNames`), or set `name`.",
    });
  }
  return name;
}

/** A full name, taken apart. @throws GodwitError TASK_NAME_INVALID */
export function parseTaskName(name: unknown): { readonly environment: string; readonly shortName: string } {
  const [environment = "", shortName = "", ...rest] = typeof name === "string" ? name.split(".") : [];
  const isName =
    rest.length === 0 &&
    environment.length <= ENVIRONMENT_CHARACTERS &&
    ENVIRONMENT_NAME.test(environment) &&
    shortName.length <= TASK_CHARACTERS &&
    TASK_NAME.test(shortName);
  if (isName) return { environment, shortName };
  throw new GodwitError("TASK_NAME_INVALID", `${quote(name)} is not the full name of a task`, {
    hint: "Write the environment, a dot and the task, as `godwit get task` lists them: `hello.predict`.",
  });
}
