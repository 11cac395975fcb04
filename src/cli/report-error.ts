import type { BundleIssue } from "../bundle/failure.ts";
import type { UnansweredCall } from "../bundle/missing-dependencies.ts";
import { DEFINITION_ERRORS } from "../core/error-table/definition.ts";
import { GodwitError } from "../core/errors.ts";
import { userFrames } from "./stack.ts";
import type { Terminal } from "./terminal.ts";

export interface ReportOptions {
  /** Adds the chain of causes and whole stacks. */
  readonly isVerbose: boolean;
  /** Replaces the hint of the error. */
  readonly hint?: string | undefined;
}

/** Tells what failed (with its code), why, and what to do next. No stack of ours without `-v`. */
export function reportError(terminal: Terminal, error: unknown, options: ReportOptions): void {
  const known = error instanceof GodwitError ? error : unexpected(error);
  terminal.note(`${terminal.paint("red", "error")} ${terminal.paint("bold", known.code)}: ${known.message}`);
  for (const line of details(known)) terminal.note(`  ${line}`);
  if (options.isVerbose) for (const line of causes(known)) terminal.note(terminal.paint("dim", `  ${line}`));
  terminal.note(`  ${terminal.paint("cyan", "hint")}: ${options.hint ?? known.hint}`);
}

/** An error that no rule of ours made: a bug, unless the machine is to blame. */
function unexpected(error: unknown): GodwitError {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new GodwitError("INTERNAL", message, {
    cause: error,
    hint: "Run again with `-v` for the stack; if it stays, report it.",
  });
}

function details(error: GodwitError): string[] {
  const issue = (error.details as { readonly issues?: readonly Partial<BundleIssue>[] } | undefined)
    ?.issues?.[0];
  if (error.code === "BUNDLE_FAILED" && issue?.source !== undefined && issue.source !== "") {
    return [issue.source.trimEnd(), `${" ".repeat(issue.column ?? 0)}^`];
  }
  if (error.code === "DEPENDENCY_MISSING") return otherCalls(error);
  if (error.code === "MODULE_LOAD_FAILED") return userFrames(stackOf(error.cause));
  return Object.hasOwn(DEFINITION_ERRORS, error.code) ? userFrames(error.stack) : [];
}

/** The calls beside the one that the message names. */
function otherCalls({ details: given }: GodwitError): string[] {
  const { calls = [] } = (given ?? {}) as { readonly calls?: readonly UnansweredCall[] };
  return calls
    .slice(1)
    .map(({ caller, callee, place }) => `\`${caller}\` calls \`${callee}\` ${place}`.trim());
}

function causes(error: unknown): string[] {
  const lines: string[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    lines.push(...`${depth === 0 ? "" : "caused by "}${at.stack ?? at}`.split("\n"));
  }
  return lines;
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
