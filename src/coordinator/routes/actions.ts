import { z } from "@hono/zod-openapi";
import type { ActionCounts } from "../../client/api.ts";
import { GodwitError } from "../../core/errors.ts";
import type { Phase } from "../../core/phase.ts";
import { readAttempts } from "../../store/attempts.ts";
import { readHolders } from "../../store/leases.ts";
import {
  type ActionCount,
  type CountColumn,
  countActions,
  listActions,
  readWholeAction,
} from "../../store/list-actions.ts";
import { readVisibleRun } from "../auth/caller.ts";
import { pageOf, readCursor } from "../cursor.ts";
import type { App } from "../parts.ts";
import * as schemas from "../schemas/action.ts";
import {
  actionParams,
  jsonContent,
  listOf,
  listOfItems,
  pageQuery,
  phase,
  runParams,
} from "../schemas/shared.ts";
import { actionDetail, actionSummary } from "../views/action.ts";
import { publicRoute } from "./public-route.ts";

const list = publicRoute("runs:read", {
  method: "get",
  path: "/v1/runs/{run}/actions",
  summary: "List the actions of a run, in the order in which they were called",
  tags: ["actions"],
  request: {
    params: runParams,
    query: z.object({
      ...pageQuery,
      parent: z.string().optional(),
      phase: listOf(phase),
      task: z.string().optional(),
    }),
  },
  responses: {
    200: { description: "A page of actions", content: jsonContent(listOfItems(schemas.actionSummary)) },
  },
});

const GROUPS = { parent: "parent_id", task: "task", phase: "phase" } as const;
const MOST_GROUPS = 1_000;

const counts = publicRoute("runs:read", {
  method: "get",
  path: "/v1/runs/{run}/actions/counts",
  summary: "Count the actions of a run by parent, task and phase",
  tags: ["actions"],
  request: {
    params: runParams,
    query: z.object({ parent: z.string().optional(), by: listOf(z.enum(["parent", "task", "phase"])) }),
  },
  responses: { 200: { description: "The groups", content: jsonContent(schemas.actionCounts) } },
});

const get = publicRoute("runs:read", {
  method: "get",
  path: "/v1/runs/{run}/actions/{action}",
  summary: "Get an action with its attempts, input and outcome",
  tags: ["actions"],
  request: { params: actionParams },
  responses: { 200: { description: "The action", content: jsonContent(schemas.actionDetail) } },
});

/** Reading the actions of a run. */
export function addActions(app: App): void {
  app.openapi(list, async (c) => {
    const { driver } = c.var.parts.core;
    const { limit = 50, cursor, phase: phases = [], parent = null, task = null } = c.req.valid("query");
    const { id: runId } = await readVisibleRun(c.var.parts.core, c.var.caller, c.req.valid("param").run);
    const filter = { runId, parent, phases, task };
    const key = ["actions", filter];
    const page = { after: readCursor<number>(key, cursor), limit: limit + 1 };
    const rows = await driver.read((sql) => listActions(sql, filter, page));
    return c.json(pageOf(rows, { limit, list: key, position: (row) => row.ordinal }, actionSummary), 200);
  });

  app.openapi(counts, async (c) => {
    const { parent = null, by = ["parent", "task", "phase"] as const } = c.req.valid("query");
    const { id: runId } = await readVisibleRun(c.var.parts.core, c.var.caller, c.req.valid("param").run);
    const columns: CountColumn[] = [...new Set(by)].map((name) => GROUPS[name]);
    const of = { runId, parent, by: columns, limit: MOST_GROUPS + 1 };
    const rows = await c.var.parts.core.driver.read((sql) => countActions(sql, of));
    const data = rows.slice(0, MOST_GROUPS).map(countView);
    return c.json({ data, isTruncated: rows.length > MOST_GROUPS } satisfies ActionCounts, 200);
  });

  app.openapi(get, async (c) => {
    const { run, action } = c.req.valid("param");
    await readVisibleRun(c.var.parts.core, c.var.caller, run);
    const body = await c.var.parts.core.driver.read(async (sql) => {
      const row = await readWholeAction(sql, run, action);
      if (row === undefined)
        throw new GodwitError("ACTION_NOT_FOUND", `no action "${action}" in run "${run}"`);
      const [holder] = await readHolders(sql, [{ run_id: run, action_id: action }]);
      return actionDetail(row, {
        attempts: await readAttempts(sql, run, action),
        runner: holder?.runner_id ?? null,
      });
    });
    return c.json(body, 200);
  });
}

function countView({
  parent_id: parent,
  task,
  phase: inPhase,
  count,
}: ActionCount): ActionCounts["data"][number] {
  return {
    ...(parent !== undefined && { parent }),
    ...(task !== undefined && { task }),
    ...(inPhase !== undefined && { phase: inPhase as Phase }),
    count,
  };
}
