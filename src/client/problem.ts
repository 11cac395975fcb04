import { type ErrorCode, errorRow } from "../core/error-table.ts";
import { errorFor, GodwitError } from "../core/errors.ts";
import type { Problem } from "./api.ts";

/**
 * The error a reply stands for: a `GodwitError` with the code, the words and the field errors of the coordinator's
 * problem document, or one that quotes what somebody else (a proxy, a wrong server) answered.
 */
export async function readProblem(reply: Response, url: string): Promise<GodwitError> {
  const text = await reply.text().catch(() => "");
  const problem = parse(text);
  if (problem === null) return foreign(reply.status, text, url);
  const { code, detail, hint, errors, requestId } = problem;
  const isKnown = errorRow(code).kind !== "unknown";
  return errorFor(code as ErrorCode, detail, {
    ...(hint !== undefined && { hint }),
    ...(errors !== undefined && { details: { issues: errors } }),
    ...(!isKnown && { details: { status: reply.status, requestId } }),
  });
}

function parse(text: string): Problem | null {
  try {
    const problem = JSON.parse(text) as Partial<Problem> | null;
    const isProblem = typeof problem?.code === "string" && typeof problem.detail === "string";
    return isProblem ? (problem as Problem) : null;
  } catch {
    return null;
  }
}

function foreign(status: number, text: string, url: string): GodwitError {
  const quoted = text.trim().slice(0, 200);
  return unreachable(
    `${url} answered ${status}${quoted === "" ? "" : `: ${quoted}`}`,
    undefined,
    [408, 429].includes(status) || status >= 500,
  );
}

/** The error of a coordinator that cannot be reached. */
export function unreachable(message: string, cause?: unknown, retryable = true): GodwitError {
  return new GodwitError("ENDPOINT_UNREACHABLE", message, {
    retryable,
    ...(cause !== undefined && { cause }),
  });
}

/** What the platform says when a connection fails, which `fetch` hides in causes. */
export function reasonOf(error: unknown): string {
  const causes: string[] = [];
  for (let at = error; at instanceof Error && causes.length < 4; at = at.cause) {
    const code = (at as { code?: unknown }).code;
    causes.push(
      typeof code === "string" && !at.message.includes(code) ? `${code} ${at.message}`.trim() : at.message,
    );
  }
  return causes.at(-1) || String(error);
}
