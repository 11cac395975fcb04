import { GodwitError } from "./errors.ts";

/**
 * A length of time: `"250ms"`, `"10s"`, `"5m"`, `"1h30m"`, `"7d"`, or a number of milliseconds.
 *
 * @example const timeout: Duration = "1h30m";
 */
export type Duration = number | string;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const UNITS: Readonly<Record<string, number>> = { d: DAY, h: HOUR, m: MINUTE, s: SECOND, ms: 1 };
const MAX_MS = 100 * 365 * DAY;

/** Each unit at most once, largest first, so that a slip such as "30m1h" is noticed. */
const PATTERN =
  /^(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;

/**
 * The milliseconds of a duration, rounded to whole ones. A plain number is milliseconds already, as everywhere in
 * JavaScript. Throws `OPTION_INVALID` for anything else, for negative times and for more than 100 years.
 *
 * @example parseDuration("1h30m") // 5_400_000
 */
export function parseDuration(duration: Duration): number {
  const ms = typeof duration === "number" ? duration : parseText(duration);
  if (ms === undefined || !(ms >= 0)) throw invalid(duration);
  if (ms > MAX_MS)
    throw invalid(duration, "The longest duration is 100 years; leave the option out for no limit.");
  return Math.round(ms);
}

/**
 * A duration for people, with the two units that matter.
 *
 * @example formatDuration(123_000) // "2m 03s"
 */
export function formatDuration(ms: number): string {
  if (!(ms > 0)) return "0ms";
  if (ms < 1) return "<1ms";
  if (Math.round(ms) < SECOND) return `${Math.round(ms)}ms`;
  // Rounded before the unit is chosen: 59.96 s is a minute, never "60.0s".
  const tenths = Math.round(ms / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)}s`;
  const seconds = Math.round(ms / SECOND);
  if (seconds < 3600) return pair(seconds, 60, "m", "s");
  const minutes = Math.round(ms / MINUTE);
  if (minutes < 1440) return pair(minutes, 60, "h", "m");
  return pair(Math.round(ms / HOUR), 24, "d", "h");
}

function pair(amount: number, size: number, large: string, small: string): string {
  return `${Math.floor(amount / size)}${large} ${String(amount % size).padStart(2, "0")}${small}`;
}

function parseText(text: unknown): number | undefined {
  if (typeof text !== "string") return undefined;
  const match = PATTERN.exec(text.trim().replace(/(?<=[a-z])\s+(?=\d)/g, ""));
  if (!match || match[0] === "") return undefined;
  return Object.values(UNITS).reduce((sum, unit, i) => sum + Number(match[i + 1] ?? 0) * unit, 0);
}

function invalid(duration: unknown, hint: string = suggest(duration)): GodwitError {
  const quoted =
    typeof duration === "number" ? String(duration) : (JSON.stringify(duration) ?? String(duration));
  return new GodwitError("OPTION_INVALID", `${quoted} is not a duration`, { hint });
}

function suggest(duration: unknown): string {
  const match = typeof duration === "string" ? /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)/i.exec(duration) : null;
  const unit = UNIT_WORDS.find(([word]) => word.test(match?.[2] ?? ""))?.[1];
  if (match && unit) return `Did you mean "${match[1]}${unit}"?`;
  if (match?.[2] === "") return `Add a unit, for example "${match[1]}s", or pass a number of milliseconds.`;
  return 'Write it like "250ms", "10s", "5m", "1h30m" or "7d", or pass a number of milliseconds.';
}

const UNIT_WORDS: readonly (readonly [RegExp, string])[] = [
  [/^(ms|msecs?|millis|milliseconds?)$/i, "ms"],
  [/^(s|secs?|seconds?)$/i, "s"],
  [/^(m|mins?|minutes?)$/i, "m"],
  [/^(h|hrs?|hours?)$/i, "h"],
  [/^(d|days?)$/i, "d"],
];
