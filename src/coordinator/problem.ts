import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Problem } from "../client/api.ts";
import { errorRow } from "../core/error-table.ts";
import { GodwitError } from "../core/errors.ts";
import type { CoordinatorEnv } from "./parts.ts";

/** Where the reference of errors is served. */
const DOCS = "/docs/reference/errors.md";

interface Issue {
  readonly pointer: string;
  readonly message: string;
}

/** The refusal of a request that cannot be understood; `issues` names each field that is wrong. */
export function invalidRequest(message: string, issues: readonly Issue[] = []): GodwitError {
  return new GodwitError("INVALID_REQUEST", message, issues.length > 0 ? { details: { issues } } : {});
}

/** Answers an error: what the table says about it, and nothing of what is inside the server. */
export function answerError(thrown: unknown, c: Context<CoordinatorEnv>): Response {
  return answerProblem(c, problemOf(thrown, c));
}

/** An error as it is told. */
export function problemOf(thrown: unknown, c: Context<CoordinatorEnv>): Problem {
  const error = known(thrown);
  const row = errorRow(error.code);
  // What a failing part says may name machines and paths, so it goes to the log and not to the caller.
  const isInside = row.kind === "system";
  if (isInside)
    c.var.parts.log({ level: "error", message: error.message, requestId: c.var.requestId, error: thrown });
  const issues = issuesOf(error);
  return {
    type: `${DOCS}#${error.code.toLowerCase()}`,
    title: row.title,
    status: row.status,
    detail: isInside ? `${row.title}.` : error.message,
    instance: c.req.path,
    code: error.code,
    hint: error.hint,
    requestId: c.var.requestId,
    ...(issues.length > 0 && { errors: issues }),
  };
}

/** Answers 404 for an address that is not there. */
export function answerNotFound(c: Context<CoordinatorEnv>): Response {
  return answerError(new GodwitError("NOT_FOUND", `there is nothing at ${c.req.path}`), c);
}

/** Answers 405 for an address that takes other methods. */
export function answerMethod(c: Context<CoordinatorEnv>, methods: readonly string[]): Response {
  const message = `${c.req.path} takes ${methods.join(", ")}, not ${c.req.method}`;
  const reply = answerError(new GodwitError("METHOD_NOT_ALLOWED", message), c);
  reply.headers.set("Allow", methods.join(", "));
  return reply;
}

function answerProblem(c: Context<CoordinatorEnv>, problem: Problem): Response {
  const headers: Record<string, string> = {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    ...(problem.status === 401 && { "WWW-Authenticate": "Bearer" }),
    ...((problem.status === 503 || problem.code === "IDEMPOTENCY_IN_PROGRESS") && { "Retry-After": "1" }),
  };
  return c.newResponse(JSON.stringify(problem), problem.status as 500, headers);
}

function known(thrown: unknown): GodwitError {
  if (thrown instanceof GodwitError) return thrown;
  if (thrown instanceof HTTPException && thrown.status < 500) return fromHono(thrown);
  return new GodwitError("INTERNAL", thrown instanceof Error ? thrown.message : String(thrown));
}

function fromHono(error: HTTPException): GodwitError {
  if (error.status === 413) return new GodwitError("BODY_TOO_LARGE", "the body is too large");
  if (error.status === 415) return invalidRequest("the body must come with `Content-Type: application/json`");
  return invalidRequest(error.message === "" ? "the request cannot be read" : error.message);
}

function issuesOf(error: GodwitError): readonly Issue[] {
  const issues = (error.details as { issues?: unknown } | undefined)?.issues;
  return Array.isArray(issues) ? (issues as Issue[]) : [];
}
