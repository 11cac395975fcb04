import { z } from "@hono/zod-openapi";
import type { RunResult } from "../../client/api.ts";
import { waitForRun } from "../../engine/read.ts";
import type { StartRun } from "../../engine/start.ts";
import { readDivergences } from "../../store/divergences.ts";
import { listRuns, type RunPosition } from "../../store/list-runs.ts";
import type { RunRow } from "../../store/rows.ts";
import { projectFor, readVisibleRun } from "../auth/caller.ts";
import { pageOf, readCursor } from "../cursor.ts";
import type { App } from "../parts.ts";
import { resolveTask } from "../resolve-task.ts";
import * as schemas from "../schemas/run.ts";
import {
  jsonContent,
  listOf,
  listOfItems,
  pageQuery,
  phase,
  placeQuery,
  repeated,
  runParams,
  wait,
} from "../schemas/shared.ts";
import { encodeInput, startOf, startOnce } from "../start-run.ts";
import { answerStarted, checkOrigin, readRunOutcome, waitMsOf } from "../started-run.ts";
import { runDetail, runEtag, runSummary } from "../views/run.ts";
import { publicRoute } from "./public-route.ts";

const start = publicRoute(
  "runs:write",
  {
    method: "post",
    path: "/v1/runs",
    summary: "Start a run",
    tags: ["runs"],
    request: {
      query: z.object({ wait }),
      body: { content: jsonContent(schemas.startRunBody), required: true },
    },
    responses: {
      200: { description: "It ended within the wait", content: jsonContent(schemas.startedRun) },
      202: {
        description: "It was started; `Location` tells where to look",
        content: jsonContent(schemas.startedRun),
      },
    },
  },
  { isOpenToTasks: true },
);

const list = publicRoute(
  "runs:read",
  {
    method: "get",
    path: "/v1/runs",
    summary: "List runs",
    tags: ["runs"],
    request: {
      query: z.object({
        ...pageQuery,
        ...placeQuery,
        phase: listOf(phase),
        task: z.string().optional(),
        label: repeated(z.string().max(1_200), 20),
        origin: z.string().optional(),
        order: z.enum(["asc", "desc"]).default("desc"),
      }),
    },
    responses: {
      200: { description: "A page of runs", content: jsonContent(listOfItems(schemas.runSummary)) },
    },
  },
  { isOpenToTasks: true },
);

const get = publicRoute(
  "runs:read",
  {
    method: "get",
    path: "/v1/runs/{run}",
    summary: "Get a run",
    tags: ["runs"],
    request: { params: runParams },
    responses: {
      200: { description: "The run, with its `ETag`", content: jsonContent(schemas.runDetail) },
      304: { description: "It is as `If-None-Match` knows it" },
    },
  },
  { isOpenToTasks: true },
);

const result = publicRoute(
  "runs:read",
  {
    method: "get",
    path: "/v1/runs/{run}/result",
    summary: "Get the result of a run",
    tags: ["runs"],
    request: { params: runParams, query: z.object({ wait }) },
    responses: {
      200: { description: "It has ended", content: jsonContent(schemas.runResult) },
      202: { description: "It goes on", content: jsonContent(schemas.runResult) },
    },
  },
  { isOpenToTasks: true },
);

/** Starting, listing and reading runs. */
export function addRuns(app: App): void {
  addStarting(app);
  addReading(app);
}

function addStarting(app: App): void {
  app.openapi(start, async (c) => {
    const { core } = c.var.parts;
    const { task: name, deployment, version, project, domain, ...body } = c.req.valid("json");
    const { input, origin, cache, suspend, options, ...rest } = body;
    const ref = { task: name, deployment, version, project, domain };
    const task = await resolveTask(core, c.var.caller, ref);
    if (origin !== undefined) {
      checkOrigin(c.var.caller, await readVisibleRun(core, c.var.caller, origin.run), task.project);
    }
    const settings: StartRun = {
      ...startOf(task, options),
      ...rest,
      input: encodeInput(input, task),
      ...(cache !== undefined && { cacheMode: cache }),
      ...(suspend !== undefined && { suspendMode: suspend }),
      ...(origin !== undefined && { origin }),
      ...(c.var.caller.name !== null && { createdBy: c.var.caller.name }),
    };
    return answerStarted(c, await startOnce(core, c.var.runId, settings), c.req.valid("query").wait);
  });

  app.openapi(list, async (c) => {
    const { limit = 50, cursor, order, ...query } = c.req.valid("query");
    const { phase: phases = [], label: labels, task = null, origin = null, domain = null } = query;
    const { caller } = c.var;
    const project = projectFor(caller, query.project);
    const createdBy = caller.run === undefined ? null : caller.name;
    const filter = { project, domain, phases, task, labels, origin, createdBy };
    const key = ["runs", filter, order];
    const page = {
      after: readCursor<RunPosition>(key, cursor),
      limit: limit + 1,
      isDescending: order === "desc",
    };
    const rows = await c.var.parts.core.driver.read((sql) => listRuns(sql, filter, page));
    const position = (row: RunRow): RunPosition => [row.created_ms, row.id];
    return c.json(pageOf(rows, { limit, list: key, position }, runSummary), 200);
  });
}

function addReading(app: App): void {
  app.openapi(get, async (c) => {
    const { core } = c.var.parts;
    const run = await readVisibleRun(core, c.var.caller, c.req.valid("param").run);
    const etag = runEtag(run);
    c.header("ETag", etag);
    c.header("Cache-Control", "private, no-cache");
    if (isKnown(c.req.header("If-None-Match"), etag)) return c.body(null, 304);
    return c.json(runDetail(run, await core.driver.read((sql) => readDivergences(sql, run.id))), 200);
  });

  app.openapi(result, async (c) => {
    const { core } = c.var.parts;
    const { id } = await readVisibleRun(core, c.var.caller, c.req.valid("param").run);
    const waitMs = waitMsOf(c, c.req.valid("query").wait);
    const run = await waitForRun(core, id, waitMs, c.req.raw.signal);
    const { project, phase } = run;
    const body: RunResult = { run: id, project, phase, outcome: await readRunOutcome(core, run) };
    return c.json(body, run.ended_ms === null ? 202 : 200);
  });
}

function isKnown(header: string | undefined, etag: string): boolean {
  const tags = (header ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag.replace(/^W\//, ""));
}
