import type { Context } from "hono";
import type { BlobAsk, BlobProblem, BlobResult, BlobsReply } from "../../client/api.ts";
import { GodwitError } from "../../core/errors.ts";
import { DEFAULT_PROJECT } from "../../core/place.ts";
import type { BlobStore } from "../../ports/blobs.ts";
import { Slots } from "../../sdk/parallel.ts";
import { readLeased } from "../../store/leases.ts";
import { readRuns } from "../../store/runs.ts";
import { checkScope, projectFor } from "../auth/caller.ts";
import { checkLease, runnerOf, speaksFor } from "../auth/runner.ts";
import type { RunnerClaims } from "../auth/runner-token.ts";
import type { App, CoordinatorEnv, Parts } from "../parts.ts";
import { problemOf } from "../problem.ts";
import { readBody } from "../read-body.ts";
import * as schemas from "../schemas/blob.ts";
import { jsonContent } from "../schemas/shared.ts";
import { answerAsk, blobsOf, checkAsk, isOfProject, isWrite, placeOf, storeView } from "../signed-blobs.ts";
import { publicRoute } from "./public-route.ts";

/** Requests of one body that are worked on at once. */
const PARALLEL = 32;

const ask = publicRoute(
  ["runs:read", "runs:write"],
  {
    method: "post",
    path: "/v1/blobs",
    summary:
      "Sign, look up, list and delete blobs of a project; reading needs `runs:read`, changing `runs:write`",
    tags: ["blobs"],
    request: { body: { content: jsonContent(schemas.blobsBody), required: true } },
    responses: {
      200: {
        description: "The answers, in the order of the requests",
        content: jsonContent(schemas.blobsReply),
      },
    },
  },
  // For large results of runs that a task has started.
  { isOpenToTasks: true },
);

/** Files and large values: signed URLs for whoever has an API key, or executes an action. */
export function addBlobs(app: App, parts: Parts): void {
  app.openapi(ask, async (c) => {
    const { caller } = c.var;
    const { project: asked, requests } = c.req.valid("json");
    const project = projectFor(caller, asked);
    const store = blobsOf(parts);
    if (caller.run !== undefined) requests.forEach(refuseDeleting);
    if (requests.some(isWrite)) checkScope(caller, "runs:write");
    if (!requests.every(isWrite)) checkScope(caller, "runs:read");
    for (const one of requests) check(store, one, project, `"${caller.name}"`);
    const results = await answerAll(c, requests, (one) => answerAsk(store, one, c.req.raw.signal));
    return answer(c, { store: storeView(store, project ?? DEFAULT_PROJECT), results });
  });

  app.post("/internal/v1/blobs", async (c) => {
    const claims = await runnerOf(c, parts.runnerTokens);
    const { requests } = await readBody(c, schemas.leasedBlobs);
    const store = blobsOf(parts);
    const projects = await projectsOf(parts, claims, new Set(requests.map(({ lease }) => lease)));
    for (const { lease, ask: one } of requests) {
      const project = projects.get(lease);
      if (project !== undefined) check(store, one, project, `the lease ${lease}`);
      refuseDeleting(one);
    }
    if (requests.length > 0 && projects.size === 0) throw stale(requests[0]?.lease ?? "");
    const results = await answerAll(c, requests, ({ lease, ask: one }) => {
      if (!projects.has(lease)) throw stale(lease);
      return answerAsk(store, one, c.req.raw.signal);
    });
    return answer(c, { store: storeView(store, DEFAULT_PROJECT), results });
  });
}

/** What one task has written, others may have been told of. */
function refuseDeleting({ op }: BlobAsk): void {
  if (op === "delete") throw new GodwitError("FORBIDDEN", "a task may not delete blobs");
}

function check(store: BlobStore, one: BlobAsk, project: string | null, who: string): void {
  checkAsk(store, one);
  const place = placeOf(one);
  if (isOfProject(place, project)) return;
  const allowed = project === null ? "keys under `projects/` only" : `keys of the project "${project}" only`;
  throw new GodwitError("FORBIDDEN", `${who} may use ${allowed}, not "${place}"`);
}

/** The project of each lease that is current and that the token speaks for. */
async function projectsOf(
  { core }: Parts,
  claims: RunnerClaims,
  leases: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  for (const lease of leases) checkLease(claims, lease);
  return core.driver.read(async (sql) => {
    const leased = (await readLeased(sql, [...leases])).filter((row) => speaksFor(claims, row.runner_id));
    const runs = await readRuns(sql, [...new Set(leased.map((row) => row.run_id))]);
    const projects = new Map(runs.map(({ id, project }) => [id, project]));
    return new Map(leased.map(({ token, run_id }) => [token, projects.get(run_id) ?? ""]));
  });
}

function stale(lease: string): GodwitError {
  return new GodwitError("LEASE_STALE", `the lease ${lease} is not current, or is not this runner's`);
}

/** Answers every request; one that fails does not fail the others. */
function answerAll<Request>(
  c: Context<CoordinatorEnv>,
  requests: readonly Request[],
  work: (request: Request) => ReturnType<typeof answerAsk>,
): Promise<BlobResult[]> {
  const slots = new Slots(PARALLEL);
  const answerOne = async (request: Request): Promise<BlobResult> => {
    try {
      return { ok: true, answer: await work(request) };
    } catch (error) {
      return { ok: false, problem: blobProblem(error, c) };
    }
  };
  return Promise.all(requests.map((request) => slots.run(() => answerOne(request))));
}

function blobProblem(error: unknown, c: Context<CoordinatorEnv>): BlobProblem {
  const { instance: _, errors: __, ...problem } = problemOf(error, c);
  const attempts = error instanceof GodwitError ? error.attempts : undefined;
  return { ...problem, ...(attempts !== undefined && { attempts }) };
}

/** A signed URL is a credential: it is kept nowhere. */
function answer(c: Context<CoordinatorEnv>, body: BlobsReply): Response {
  c.header("Cache-Control", "no-store");
  return c.json(body, 200);
}
