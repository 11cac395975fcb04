import { ACTIVE_PHASES, type Phase, TERMINAL_PHASES } from "../core/phase.ts";
import { checkInteger, checkKeys, checkOneOf, checkText, checkTextMap } from "./option-check.ts";

/** A run in a list. */
export interface RunSummary {
  readonly id: string;
  readonly project: string;
  readonly domain: string;
  /** Full name, `env.task`. */
  readonly task: string;
  readonly deployment: string;
  readonly phase: Phase;
  readonly createdMs: number;
  /** Null while it is queued. */
  readonly startedMs: number | null;
  /** Null while it goes on. */
  readonly endedMs: number | null;
  /** Who started it; null for somebody on this machine, `run:<id>` for a run. */
  readonly createdBy: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** The failure in one line; null when there is none. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Which runs are listed: those that are all of what is given. */
export interface RunFilter {
  /** A task, or its full name. */
  readonly task?: string | { readonly fullName: string } | undefined;
  /** One phase, or any of several. */
  readonly phase?: Phase | readonly Phase[] | undefined;
  /** Labels that a run must have, with these values. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Default: every project that the caller may see. */
  readonly project?: string | undefined;
  /** Default: every domain. */
  readonly domain?: string | undefined;
  /** Most runs that are given. Default: all. */
  readonly limit?: number | undefined;
  /** Data folder of this machine, whose runs are then listed whatever is configured. Default: as configured. */
  readonly dataDir?: string | undefined;
}

/** A checked {@link RunFilter}, as a starter of runs gets it. */
export interface RunQuery {
  readonly task?: string;
  /** Empty: any. */
  readonly phases: readonly Phase[];
  readonly labels: Readonly<Record<string, string>>;
  readonly project?: string;
  readonly domain?: string;
  readonly limit?: number;
}

const PHASES: readonly Phase[] = [...ACTIVE_PHASES, ...TERMINAL_PHASES];

/** What a filter asks for. @throws GodwitError OPTION_INVALID */
export function parseRunFilter(filter: RunFilter, where: string): RunQuery {
  checkKeys(filter, where, ["task", "phase", "labels", "project", "domain", "limit", "dataDir"]);
  const { phase = [], labels = {}, limit } = filter;
  const task =
    typeof filter.task === "function" ? (filter.task as { fullName: string }).fullName : filter.task;
  const texts = { task, project: filter.project, domain: filter.domain };
  const given = Object.entries(texts).filter(([, text]) => text !== undefined);
  return {
    ...Object.fromEntries(given.map(([key, text]) => [key, checkText(text, `${where}: \`${key}\``)])),
    phases: [phase].flat().map((item) => checkOneOf(item, `${where}: \`phase\``, PHASES)),
    labels: checkTextMap(labels, `${where}: \`labels\``),
    ...(limit !== undefined && { limit: checkInteger(limit, `${where}: \`limit\``, 1) }),
  };
}

/** Labels as the store and the HTTP API look for them: `key=value`. */
export function labelTexts({ labels }: Pick<RunQuery, "labels">): string[] {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
}
