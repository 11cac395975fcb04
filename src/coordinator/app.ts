import { OpenAPIHono } from "@hono/zod-openapi";
import type { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { GodwitError } from "../core/errors.ts";
import { refuseStrangers } from "./auth/local-guard.ts";
import { addDocument } from "./document.ts";
import { type CoordinatorEnv, type CoordinatorOptions, type Parts, partsOf } from "./parts.ts";
import { answerError, answerMethod, answerNotFound } from "./problem.ts";
import { refuseMismatch } from "./request-fault.ts";
import { addActions } from "./routes/actions.ts";
import { addBlobs } from "./routes/blobs.ts";
import { addBundles } from "./routes/bundles.ts";
import { addCache } from "./routes/cache.ts";
import { addConditions } from "./routes/conditions.ts";
import { addDeployments } from "./routes/deployments.ts";
import { addEvents } from "./routes/events.ts";
import { addExchange } from "./routes/exchange.ts";
import { addHealth } from "./routes/health.ts";
import { addKeys } from "./routes/keys.ts";
import { addLineage } from "./routes/lineage.ts";
import { addLogs } from "./routes/logs.ts";
import { addRunControl } from "./routes/run-control.ts";
import { addRunTask } from "./routes/run-task.ts";
import { addRunnerCredentials } from "./routes/runner-credentials.ts";
import { addRunners } from "./routes/runners.ts";
import { addRuns } from "./routes/runs.ts";
import { addTasks } from "./routes/tasks.ts";

/**
 * The control plane as an HTTP app: stateless, so any number of them may serve one store.
 *
 * @example serve({ fetch: createCoordinator({ core, auth: { mode: "keys" }, signingKey }).fetch, port: 8080 });
 */
export function createCoordinator(options: CoordinatorOptions): Hono<CoordinatorEnv> {
  const parts = partsOf(options);
  const app = new OpenAPIHono<CoordinatorEnv>({ defaultHook: refuseMismatch });
  addFrame(app, parts);
  for (const add of [addHealth, addRuns, addRunControl, addActions, addLineage, addEvents, addLogs]) add(app);
  for (const add of [
    addConditions,
    addTasks,
    addRunTask,
    addDeployments,
    addCache,
    addKeys,
    addRunnerCredentials,
  ])
    add(app);
  for (const add of [addExchange, addBlobs, addBundles, addRunners]) add(app, parts);
  addDocument(app, options.version ?? "0.0.0");
  return app;
}

/** What every request passes through. */
function addFrame(app: OpenAPIHono<CoordinatorEnv>, parts: Parts): void {
  const onError = (): never => {
    throw new GodwitError("BODY_TOO_LARGE", "the body is too large");
  };
  app.onError(answerError);
  app.notFound(answerNotFound);
  app.use(async (c, next) => {
    c.set("parts", parts);
    await next();
  });
  app.use(requestId());
  app.use(methodNotAllowed({ app, onMethodNotAllowed: answerMethod }));
  app.use(refuseStrangers);
  app.use("/v1/*", bodyLimit({ maxSize: parts.limits.publicBodyBytes, onError }));
  app.use("/internal/*", bodyLimit({ maxSize: parts.limits.internalBodyBytes, onError }));
}
