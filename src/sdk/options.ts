import type { CacheOptions } from "../core/cache.ts";
import type { CallOptions, ConcurrencyLimit, TimeLimits } from "../core/call.ts";
import { mergeOptions, type OptionLevel } from "../core/call-options.ts";
import { type Duration, parseDuration } from "../core/duration.ts";
import { parseResources, type ResourcesInput } from "../core/resources.ts";
import type { RetryPolicy } from "../core/retry.ts";
import { isSecretName } from "../ports/secrets.ts";
import {
  checkBoolean,
  checkInteger,
  checkKeys,
  checkNumber,
  checkOneOf,
  checkText,
  checkTexts,
  isRecord,
  located,
  optionError,
} from "./option-check.ts";
import type { CallSettings, OverrideSettings } from "./settings.ts";

type Parsers = {
  readonly [Key in keyof Required<OverrideSettings>]: (given: unknown, where: string) => OptionLevel;
};

/** How each setting is read. `where` names it in errors. */
const PARSERS: Parsers = {
  resources: (given, where) => ({ resources: located(where, () => parseResources(given as ResourcesInput)) }),
  retries: (given, where) => ({ retries: parseRetries(given, where) }),
  timeout: (given, where) => ({ limits: parseTimeout(given, where) }),
  cache: (given, where) => ({ cache: parseCache(given, where) }),
  interruptible: (given, where) => ({ interruptible: checkBoolean(given, where) }),
  priority: (given, where) => ({ priority: checkInteger(given, where, Number.MIN_SAFE_INTEGER) }),
  concurrency: (given, where) => ({ concurrency: parseConcurrency(given, where) }),
  secrets: (given, where) => ({
    secrets: checkTexts(given, where).map((name) => checkSecretName(name, where)),
  }),
  label: (given, where) => ({ label: checkText(given, where) }),
};

/** Settings that every level takes. */
export const CALL_SETTINGS: readonly (keyof CallSettings)[] = [
  "resources",
  "retries",
  "timeout",
  "cache",
  "interruptible",
  "priority",
  "concurrency",
  "secrets",
];

/**
 * Reads one level of settings; settings that are undefined were not given.
 *
 * @throws GodwitError OPTION_INVALID or RESOURCE_INVALID
 */
export function parseLevel(settings: OverrideSettings, where: string): OptionLevel {
  const level: OptionLevel = {};
  for (const [key, parse] of Object.entries(PARSERS)) {
    const given = settings[key as keyof OverrideSettings];
    if (given !== undefined) Object.assign(level, parse(given, `${where}: \`${key}\``));
  }
  return level;
}

/**
 * The settings of a call from its levels, far to near: environment, task, override. A nearer value replaces the
 * farther one as a whole. Values equal to the defaults are left out, because the rest is stored with every action.
 *
 * @example resolveOptions("hello.main", [{ retries: { count: 3 } }, { retries: { count: 0 } }]) // {}
 */
export function resolveOptions(task: string, levels: readonly OptionLevel[]): CallOptions {
  return Object.freeze(mergeOptions(levels.map((level) => nameLimit(task, level))));
}

/** A concurrency limit without a key is the task's own. */
export function nameLimit(task: string, level: OptionLevel): OptionLevel {
  const { concurrency } = level;
  return concurrency?.key === "" ? { ...level, concurrency: { ...concurrency, key: task } } : level;
}

function checkSecretName(name: string, where: string): string {
  if (isSecretName(name)) return name;
  throw optionError(name, where, "names of letters, digits and `_`");
}

function parseRetries(given: unknown, where: string): RetryPolicy {
  if (typeof given === "number") return { count: checkInteger(given, where, 0) };
  if (!isRecord(given)) throw optionError(given, where, "a number of retries or an object with `count`");
  checkKeys(given, where, ["count", "delay", "factor", "maxDelay", "jitter", "only", "never"]);
  const { count, delay, factor, maxDelay, jitter, only, never } = given;
  return {
    count: checkInteger(count, `${where}.count`, 0),
    ...(delay !== undefined && { delayMs: durationOf(delay, `${where}.delay`) }),
    ...(factor !== undefined && { factor: checkNumber(factor, `${where}.factor`, 1) }),
    ...(maxDelay !== undefined && { maxDelayMs: durationOf(maxDelay, `${where}.maxDelay`) }),
    ...(jitter !== undefined && { jitter: checkOneOf(jitter, `${where}.jitter`, ["full", "none"]) }),
    ...(only !== undefined && { only: checkTexts(only, `${where}.only`) }),
    ...(never !== undefined && { never: checkTexts(never, `${where}.never`) }),
  };
}

function parseTimeout(given: unknown, where: string): TimeLimits | null {
  if (given === null) return null;
  if (!isRecord(given)) return { attemptMs: limitOf(given, where) };
  checkKeys(given, where, ["attempt", "queued", "deadline"]);
  const { attempt, queued, deadline } = given;
  return {
    ...(attempt !== undefined && { attemptMs: limitOf(attempt, `${where}.attempt`) }),
    ...(queued !== undefined && { queuedMs: limitOf(queued, `${where}.queued`) }),
    ...(deadline !== undefined && { deadlineMs: limitOf(deadline, `${where}.deadline`) }),
  };
}

function parseCache(given: unknown, where: string): CacheOptions {
  if (typeof given === "string") return { mode: checkOneOf(given, where, ["auto", "disable"]) };
  if (!isRecord(given)) throw optionError(given, where, '"auto", "disable" or an object with `version`');
  checkKeys(given, where, ["mode", "version", "salt", "ignoredInputs", "scope", "serialize"]);
  const { version, salt, ignoredInputs, scope, serialize } = given;
  const modes = ["auto", "override", "disable"] as const;
  const mode = checkOneOf(
    given["mode"] ?? (version === undefined ? "auto" : "override"),
    `${where}.mode`,
    modes,
  );
  if (mode === "override") checkText(version, `${where}.version`);
  return {
    mode,
    ...(mode === "override" && { version: checkText(version, `${where}.version`) }),
    ...(salt !== undefined && { salt: checkText(salt, `${where}.salt`) }),
    ...(ignoredInputs !== undefined && {
      ignoredInputs: checkTexts(ignoredInputs, `${where}.ignoredInputs`),
    }),
    ...(scope !== undefined && {
      scope: checkOneOf(scope, `${where}.scope`, ["global", "project", "domain"]),
    }),
    ...(serialize !== undefined && { serialize: checkBoolean(serialize, `${where}.serialize`) }),
  };
}

/** An empty key stands for the name of the task, which a level does not know. */
function parseConcurrency(given: unknown, where: string): ConcurrencyLimit | null {
  if (given === null) return null;
  if (typeof given === "number") return { key: "", limit: checkInteger(given, where, 1) };
  if (!isRecord(given)) throw optionError(given, where, "a number or an object with `limit`");
  checkKeys(given, where, ["key", "limit"]);
  const { key, limit } = given;
  return {
    key: key === undefined ? "" : checkText(key, `${where}.key`),
    limit: checkInteger(limit, `${where}.limit`, 1),
  };
}

/** Milliseconds of a duration. @throws GodwitError OPTION_INVALID */
export function durationOf(given: unknown, where: string): number {
  return located(where, () => parseDuration(given as Duration));
}

function limitOf(given: unknown, where: string): number {
  const ms = durationOf(given, where);
  if (ms <= 0) throw optionError(given, where, "more than 0; leave a limit out instead");
  return ms;
}
