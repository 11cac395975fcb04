import type { RunnerBody, RunnerCredentials } from "../../client/api.ts";
import { GodwitError } from "../../core/errors.ts";
import { readDeployments } from "../../store/deployments.ts";
import { type Caller, canSee, projectFor } from "../auth/caller.ts";
import { isRunnerOf, NONCE_CHARACTERS, runnerId } from "../auth/runner-id.ts";
import { issueRunnerToken, type RunnerClaims } from "../auth/runner-token.ts";
import type { App, Parts } from "../parts.ts";
import * as schemas from "../schemas/runner.ts";
import { jsonContent } from "../schemas/shared.ts";
import { publicRoute } from "./public-route.ts";

const create = publicRoute("runners", {
  method: "post",
  path: "/v1/runners",
  summary: "Get short-lived credentials for a runner, or renew them",
  description:
    "The tokens open nothing but the protocol of runners. With `runner` the credentials of that runner are renewed: it keeps what it holds.",
  tags: ["runners"],
  request: { body: { content: jsonContent(schemas.runnerBody), required: true } },
  responses: { 201: { description: "The credentials", content: jsonContent(schemas.runnerCredentials) } },
});

/** Half of a token's life is left for a coordinator that is away. */
const RENEWED_AFTER = 0.5;

/** Runners outside of whatever starts the coordinator get their tokens with an API key. */
export function addRunnerCredentials(app: App): void {
  app.openapi(create, async (c) => {
    const { parts, caller } = c.var;
    const body = c.req.valid("json");
    const claims = { subject: subjectOf(parts, caller, body), ...(await reachOf(parts, caller, body)) };
    c.header("Cache-Control", "no-store");
    return c.json(await issue(parts, claims), 201 as 200);
  });
}

function subjectOf({ core }: Parts, caller: Caller, { runner, name = "runner" }: RunnerBody): string {
  if (runner === undefined) return runnerId(name, caller.id, core.random.nonce(NONCE_CHARACTERS));
  if (isRunnerOf(caller.id, runner)) return runner;
  throw new GodwitError("FORBIDDEN", `the runner "${runner}" was not started by "${caller.name}"`, {
    hint: "Start the runner again: another key makes another runner.",
  });
}

async function reachOf(
  { core }: Parts,
  caller: Caller,
  body: RunnerBody,
): Promise<Pick<RunnerClaims, "pools" | "reach">> {
  const project = projectFor(caller, body.project);
  const { pools, environments = null, domain = null } = body;
  if (pools !== undefined) {
    const found = await core.driver.read((sql) => readDeployments(sql, pools));
    const isOpen = (id: string): boolean =>
      found.some((row) => row.id === id && canSee({ ...caller, project }, row.project));
    const hidden = pools.find((id) => !isOpen(id));
    if (hidden !== undefined) throw new GodwitError("DEPLOYMENT_NOT_FOUND", `no deployment "${hidden}"`);
  }
  const isLimited = project !== null || domain !== null || environments !== null;
  return { pools: pools ?? ["*"], ...(isLimited && { reach: { project, domain, environments } }) };
}

async function issue({ core, limits, signingKey }: Parts, claims: RunnerClaims): Promise<RunnerCredentials> {
  const nowMs = core.clock.now();
  const ttlMs = limits.runnerTokenMs;
  const options = { ...claims, nowMs, ttlMs, id: core.random.nonce(16) };
  return {
    runner: claims.subject,
    token: await issueRunnerToken(signingKey, options),
    supervisorToken: await issueRunnerToken(signingKey, { ...options, audience: "godwit-supervisor" }),
    pools: claims.pools,
    expiresMs: nowMs + ttlMs,
    renewInMs: Math.floor(ttlMs * RENEWED_AFTER),
  };
}
