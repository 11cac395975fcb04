import type { MiddlewareHandler } from "hono";
import { GodwitError } from "../../core/errors.ts";
import { LEASE_HEADER } from "../../core/protocol.ts";
import { readRun } from "../../engine/read.ts";
import { runNotFound } from "../../engine/start.ts";
import type { RunRow } from "../../store/rows.ts";
import type { CoordinatorEnv, Parts } from "../parts.ts";
import type { Scope } from "./api-key.ts";
import { verifyApiKey } from "./api-keys.ts";
import { bearerOf } from "./bearer.ts";
import { runCallerOf } from "./run-caller.ts";

/** Who sends a public request. */
export interface Caller {
  /** Tells callers apart: idempotency keys of different callers are different. */
  readonly id: string;
  /** For people; null for somebody on this machine. */
  readonly name: string | null;
  /** The only project the caller may see; null for all. */
  readonly project: string | null;
  readonly scopes: ReadonlySet<Scope>;
  /** The run for which a runner calls: what it may see and do is what that run started. */
  readonly run?: AskingRun;
}

/** A run whose task starts, follows and aborts runs. */
export interface AskingRun {
  readonly id: string;
  /** The only domain in which it may start runs. */
  readonly domain: string;
  /** Where the code is that asks. */
  readonly deployment: string;
}

const LOCAL: Caller = { id: "local", name: null, project: null, scopes: new Set(["admin"]) };

/**
 * Finds out who calls, and refuses whoever has none of `scopes`.
 *
 * @param isOpenToTasks a task may call it as well, through its runner, for what its run started
 */
export function requireScope(
  scopes: readonly Scope[],
  isOpenToTasks: boolean,
): MiddlewareHandler<CoordinatorEnv> {
  return async (c, next) => {
    const { auth, rateLimiter } = c.var.parts;
    const lease = c.req.header(LEASE_HEADER);
    const caller =
      lease !== undefined
        ? await runCallerOf(c, lease)
        : auth.mode === "open"
          ? LOCAL
          : await callerOf(c.var.parts, c.req.header("Authorization"));
    const told = rateLimiter?.check(c, caller.id) ?? {};
    if (caller.run !== undefined && !isOpenToTasks) throw notForTasks(c.req.method, c.req.path);
    checkScope(caller, ...scopes);
    c.set("caller", caller);
    await next();
    for (const [name, value] of Object.entries(told)) c.res.headers.set(name, value);
  };
}

/** Refuses whoever has none of `scopes`. @throws GodwitError FORBIDDEN */
export function checkScope({ name, scopes: given }: Caller, ...scopes: readonly Scope[]): void {
  if (given.has("admin") || scopes.some((scope) => given.has(scope))) return;
  const wanted = scopes.map((scope) => `"${scope}"`).join(" or ");
  throw new GodwitError("FORBIDDEN", `"${name}" does not have the scope ${wanted}`);
}

function notForTasks(method: string, path: string): GodwitError {
  return new GodwitError("FORBIDDEN", `a running task may not ask for ${method} ${path}`, {
    hint: "A task may start runs, and read, follow and abort those that its own run started.",
  });
}

async function callerOf({ core, oidc }: Parts, header: string | undefined): Promise<Caller> {
  const token = bearerOf(header);
  // No API key has a dot, and every token has two.
  if (oidc !== null && token.includes(".")) return oidc.verify(token, core.clock.now());
  const row = await verifyApiKey(core, token);
  const scopes = new Set(JSON.parse(row.scopes) as Scope[]);
  return { id: `key:${row.id}`, name: row.name, project: row.project, scopes };
}

/** The domain a caller asks for; undefined when any will do. @throws GodwitError FORBIDDEN when it is not a task's own */
export function domainFor({ run }: Caller, asked: string | undefined): string | undefined {
  if (run === undefined || asked === undefined || asked === run.domain) return run?.domain ?? asked;
  throw new GodwitError(
    "FORBIDDEN",
    `run ${run.id} is for the domain "${run.domain}" only, not for "${asked}"`,
  );
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
  const isHidden = caller.run !== undefined && run.created_by !== caller.name;
  if (isHidden || !canSee(caller, run.project)) throw runNotFound(id);
  return run;
}
