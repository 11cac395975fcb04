import type { RemoteTarget } from "../core/call.ts";
import type { OptionLevel } from "../core/call-options.ts";
import { checkDomain, checkProject } from "../core/place.ts";
import type { CallTarget } from "./definition.ts";
import { parseTaskName } from "./name.ts";
import { checkKeys, checkText, isRecord, optionError } from "./option-check.ts";
import type { RemoteDefinition } from "./remote-target.ts";
import type { OverrideSettings } from "./settings.ts";
import {
  type AnyFunction,
  type CallableTask,
  callable,
  type InputOf,
  type OutputOf,
  parseOverride,
} from "./task.ts";

/** Which deployment of a task is meant. */
export interface RemoteSettings {
  /**
   * `latest` (default): what was deployed last, looked up by each call. `current`: what the calling code was deployed
   * with, else its own version. Anything else names a version.
   */
  readonly version?: "latest" | "current" | (string & {}) | undefined;
  /** Default: the caller's. A task calls no task of another project; a run may be started there. */
  readonly project?: string | undefined;
  /** Default: the caller's. */
  readonly domain?: string | undefined;
}

/** A deployed task that is called by its name; its code is not needed here. */
export interface RemoteTask<Input, Output> extends CallableTask<Input, Output> {
  readonly definition: RemoteDefinition;
  /**
   * A copy with other settings, for one call site. Whatever is not given is as the task was deployed.
   *
   * @example await predict.override({ retries: 0 })(x)
   * @throws GodwitError OPTION_INVALID or RESOURCE_INVALID
   */
  override(settings: OverrideSettings): RemoteTask<Input, Output>;
}

/** What callers of a task give: `InputOfTask<typeof predict>`. */
export type InputOfTask<Fn> = Fn extends CallableTask<infer Input, unknown> ? Input : InputOf<Fn>;
/** What callers of a task get. */
export type OutputOfTask<Fn> = Fn extends CallableTask<never, infer Output> ? Output : OutputOf<Fn>;

/** The types of a task that is written elsewhere: of `typeof task`, or of a function. */
export type RemoteTaskOf<Fn extends AnyFunction> = RemoteTask<InputOfTask<Fn>, OutputOfTask<Fn>>;

/** @throws GodwitError TASK_NAME_INVALID, OPTION_INVALID, PROJECT_INVALID, DOMAIN_INVALID */
export function defineRemoteTask(name: string, settings: RemoteSettings): RemoteTask<unknown, unknown> {
  const { shortName } = parseTaskName(name);
  const where = `remote task \`${name}\``;
  if (!isRecord(settings)) throw optionError(settings, where, "an object such as `{ version }`");
  checkKeys(settings, where, ["version", "project", "domain"]);
  const { version = "latest", project, domain } = settings;
  const remote: RemoteTarget = {
    version: checkText(version, `${where}: \`version\``),
    ...(project !== undefined && {
      project: checkProject(checkText(project, `${where}: \`project\``), where),
    }),
    ...(domain !== undefined && { domain: checkDomain(checkText(domain, `${where}: \`domain\``), where) }),
  };
  return createRemoteTask({ name, shortName, remote, options: { remote } });
}

function createRemoteTask(definition: RemoteDefinition): RemoteTask<unknown, unknown> {
  const override = (settings: OverrideSettings): RemoteTask<unknown, unknown> => {
    const overrides = { ...definition.overrides, ...parseOverride(definition.name, settings) };
    return createRemoteTask({ ...definition, overrides, options: optionsOf(definition.remote, overrides) });
  };
  return callable(definition, override) as RemoteTask<unknown, unknown>;
}

/**
 * What a call sends. Defaults stay in it, and `null` for what is taken away: whoever knows the settings that the task
 * was deployed with puts these in their place.
 */
function optionsOf(remote: RemoteTarget, overrides: OptionLevel): CallTarget["options"] {
  return { ...overrides, remote } as CallTarget["options"];
}
