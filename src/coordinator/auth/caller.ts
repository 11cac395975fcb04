import type { MiddlewareHandler } from "hono";
import { GodwitError } from "../../core/errors.ts";
import { readRun } from "../../engine/read.ts";
import { runNotFound } from "../../engine/start.ts";
import type { RunRow } from "../../store/rows.ts";
import type { CoordinatorEnv, Parts } from "../parts.ts";
import type { Scope } from "./api-key.ts";
import { unauthenticated, verifyApiKey } from "./api-keys.ts";

/** Who sends a public request. */
export interface Caller {
  /** Tells callers apart: idempotency keys of different callers are different. */
  readonly id: string;
  /** For people; null for somebody on this machine. */
  readonly name: string | null;
  /** The only project the caller may see; null for all. */
  readonly project: string | null;
  readonly scopes: ReadonlySet<Scope>;
}

const LOCAL: Caller = { id: "local", name: null, project: null, scopes: new Set(["admin"]) };

/** Finds out who calls, and refuses whoever may not do what needs `scope`. */
export function requireScope(scope: Scope): MiddlewareHandler<CoordinatorEnv> {
  return async (c, next) => {
    const { auth, rateLimiter } = c.var.parts;
    const caller = auth.mode === "open" ? LOCAL : await callerOf(c.var.parts, c.req.header("Authorization"));
    const told = rateLimiter?.check(c, caller.id) ?? {};
    if (!caller.scopes.has(scope) && !caller.scopes.has("admin")) {
      throw new GodwitError("FORBIDDEN", `"${caller.name}" does not have the scope "${scope}"`);
    }
    c.set("caller", caller);
    await next();
    for (const [name, value] of Object.entries(told)) c.res.headers.set(name, value);
  };
}

/** What follows `Bearer` in an Authorization header. @throws GodwitError UNAUTHENTICATED */
export function bearerOf(header: string | undefined): string {
  const token = /^Bearer +(\S+)$/i.exec(header ?? "")?.[1];
  if (token === undefined) throw unauthenticated("the request has no `Authorization: Bearer …` header");
  return token;
}

async function callerOf({ core, oidc }: Parts, header: string | undefined): Promise<Caller> {
  const token = bearerOf(header);
  // No API key has a dot, and every token has two.
  if (oidc !== null && token.includes(".")) return oidc.verify(token, core.clock.now());
  const row = await verifyApiKey(core, token);
  const scopes = new Set(JSON.parse(row.scopes) as Scope[]);
  return { id: `key:${row.id}`, name: row.name, project: row.project, scopes };
}

/** The project a caller asks for. @throws GodwitError FORBIDDEN when it is not the one of the caller's key */
export function projectFor(caller: Caller, asked: string | undefined): string | null {
  if (caller.project === null) return asked ?? null;
  if (asked === undefined || asked === caller.project) return caller.project;
  throw new GodwitError("FORBIDDEN", `"${caller.name}" is for the project "${caller.project}" only`);
}

/** Whether a caller may see what belongs to a project. */
export function canSee(caller: Caller, project: string): boolean {
  return caller.project === null || caller.project === project;
}

/** A run that the caller may see; somebody else's is answered like one that does not exist. */
export async function readVisibleRun(core: Parts["core"], caller: Caller, id: string): Promise<RunRow> {
  const run = await readRun(core, id);
  if (!canSee(caller, run.project)) throw runNotFound(id);
  return run;
}
