import { createRoute, type RouteConfig } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { Scope } from "../auth/api-key.ts";
import { requireScope } from "../auth/caller.ts";
import { onceOnly } from "../idempotency.ts";
import type { CoordinatorEnv } from "../parts.ts";

/** Every error, in the document; the reply itself is made in `problem.ts`. */
const PROBLEM = { $ref: "#/components/responses/Problem" } as const;

/**
 * A route as handlers see it. What it answers is documentation: the bodies have the types of `client/api.ts`, which
 * the client reads them with.
 */
type PublicRoute<Path extends string, Route> = Omit<Route, "responses"> & {
  readonly path: Path;
  readonly responses: { readonly 200: { readonly description: string } };
  readonly middleware: MiddlewareHandler<CoordinatorEnv>[];
};

/**
 * A route of the public API: refuses whoever has none of `scopes`, answers a POST with an `Idempotency-Key` once, and
 * documents both.
 *
 * @param options `isOpenToTasks`: a running task may call it too, for the runs that its own run started
 */
export function publicRoute<const Path extends string, const Route extends Omit<RouteConfig, "path">>(
  scope: Scope | readonly Scope[],
  route: Route & { readonly path: Path },
  { isOpenToTasks = false }: { readonly isOpenToTasks?: boolean } = {},
): PublicRoute<Path, Route> {
  const scopes = [scope].flat() as Scope[];
  const isPost = route.method === "post";
  const key = { name: "Idempotency-Key", in: "header", schema: { type: "string", maxLength: 255 } } as const;
  return createRoute({
    ...route,
    security: scopes.map((one) => ({ apiKey: [one] })),
    ...(isPost && { parameters: [key] }),
    responses: { ...route.responses, default: PROBLEM },
    middleware: [requireScope(scopes, isOpenToTasks), ...(isPost ? [onceOnly] : [])],
  }) as unknown as PublicRoute<Path, Route>;
}
