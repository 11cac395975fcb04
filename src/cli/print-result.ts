import type { ErrorRecord } from "../core/error-record.ts";
import { errorRow } from "../core/error-table.ts";
import type { Outcome } from "../core/outcome.ts";
import type { TerminalPhase } from "../core/phase.ts";
import { encodeValue } from "../core/value.ts";
import type { Cli } from "./cli.ts";
import { userFrames } from "./stack.ts";

/** What a task gives that returns nothing; compared as text, since a result may be a file or kept elsewhere. */
const NOTHING = encodeValue(undefined);

/** A run that has ended. */
export interface EndedRun {
  readonly run: string;
  readonly phase: TerminalPhase;
  readonly outcome: Outcome | null;
}

/** Prints what a run gave: its result to stdout, or why there is none to stderr. */
export function printResult(cli: Cli, ended: EndedRun): void {
  const { terminal, output } = cli;
  const { run, phase, outcome } = ended;
  if (output === "id") terminal.data(run);
  if (output === "json") {
    // Parsed and written again, so that it is one line whatever stored it.
    const shown = outcome?.ok === true ? { ok: true, value: JSON.parse(outcome.value) } : outcome;
    terminal.data(JSON.stringify({ run, phase, outcome: shown }));
  }
  if (outcome === null) return;
  if (!outcome.ok) reportFailure(cli, run, outcome.error);
  else if (output === "table" && outcome.value !== NOTHING) terminal.data(outcome.value);
}

/** Why a run failed: the error, the user's own frames, and what to look at next. */
export function reportFailure(cli: Cli, run: string, error: ErrorRecord): void {
  const { terminal, isVerbose } = cli;
  terminal.note(
    `${terminal.paint("red", "error")} ${terminal.paint("bold", error.code)}: ${sentence(error)}`,
  );
  for (
    let at: ErrorRecord | undefined = error, depth = 0;
    at !== undefined && depth < 8;
    at = at.cause, depth++
  ) {
    if (depth > 0) terminal.note(`  caused by ${at.name}: ${at.message}`);
    const frames = isVerbose ? wholeStack(at) : userFrames(at.stack);
    for (const frame of frames) terminal.note(terminal.paint("dim", `    ${frame}`));
    // Without -v, the failure itself and its nearest cause say what there is to say.
    if (!isVerbose && depth > 0) break;
  }
  terminal.note(`  ${terminal.paint("cyan", "hint")}: ${hintOf(run, error)}`);
}

/** A user's error with its class and the task that threw it; the platform's messages name the task themselves. */
function sentence(error: ErrorRecord): string {
  if (error.code !== "TASK_FAILED") return error.message;
  const thrown = error.message === "" ? error.name : `${error.name}: ${error.message}`;
  return error.task === undefined ? thrown : `${error.task} threw ${thrown}`;
}

function wholeStack({ stack }: ErrorRecord): string[] {
  return (stack ?? "")
    .split("\n")
    .slice(1)
    .map((line) => line.trim());
}

function hintOf(run: string, error: ErrorRecord): string {
  const hint = error.hint ?? errorRow(error.code).hint;
  if (error.action === undefined) return hint;
  return `${hint} Its log: \`godwit logs ${run} --action ${error.action}\`.`;
}
