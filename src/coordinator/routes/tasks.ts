import { z } from "@hono/zod-openapi";
import type { TaskDetail, TaskSummary } from "../../client/api.ts";
import type { CallOptions } from "../../core/call.ts";
import { DEFAULT_DOMAIN, DEFAULT_PROJECT } from "../../core/place.ts";
import { type DeployedTask, listTasks } from "../../store/list-tasks.ts";
import { projectFor } from "../auth/caller.ts";
import { pageOf, readCursor } from "../cursor.ts";
import type { App } from "../parts.ts";
import { resolveTask } from "../resolve-task.ts";
import { taskDetail, taskSummary } from "../schemas/deployment.ts";
import { jsonContent, listOfItems, pageQuery, placeQuery } from "../schemas/shared.ts";
import { stored } from "../views/json.ts";
import { publicRoute } from "./public-route.ts";

const list = publicRoute("runs:read", {
  method: "get",
  path: "/v1/tasks",
  summary: "List the tasks of a project and domain, each in its newest deployment",
  tags: ["tasks"],
  request: { query: z.object({ ...pageQuery, ...placeQuery }) },
  responses: { 200: { description: "A page of tasks", content: jsonContent(listOfItems(taskSummary)) } },
});

const get = publicRoute("runs:read", {
  method: "get",
  path: "/v1/tasks/{task}",
  summary: "Get a task with its schemas and options",
  tags: ["tasks"],
  request: {
    params: z.object({ task: z.string().max(256) }),
    query: z.object({ ...placeQuery, deployment: z.string().optional(), version: z.string().optional() }),
  },
  responses: { 200: { description: "The task", content: jsonContent(taskDetail) } },
});

/** Reading what is deployed, by task. */
export function addTasks(app: App): void {
  app.openapi(list, async (c) => {
    const { limit = 50, cursor, project, domain = DEFAULT_DOMAIN } = c.req.valid("query");
    const at = { project: projectFor(c.var.caller, project) ?? DEFAULT_PROJECT, domain };
    const key = ["tasks", at];
    const page = { after: readCursor<string>(key, cursor), limit: limit + 1 };
    const rows = await c.var.parts.core.driver.read((sql) => listTasks(sql, at, page));
    return c.json(pageOf(rows, { limit, list: key, position: (row) => row.name }, summaryOf), 200);
  });

  app.openapi(get, async (c) => {
    const { task } = c.req.valid("param");
    const query = c.req.valid("query");
    return c.json(detailOf(await resolveTask(c.var.parts.core, c.var.caller, { task, ...query })), 200);
  });
}

function summaryOf(row: DeployedTask): TaskSummary {
  const { name, description, project, domain, deployment, version, created_ms: deployedMs } = row;
  return { name, description, project, domain, deployment, version, deployedMs };
}

function detailOf(row: DeployedTask): TaskDetail {
  return {
    ...summaryOf(row),
    inputSchema: row.input_schema === null ? null : stored(row.input_schema),
    outputSchema: row.output_schema === null ? null : stored(row.output_schema),
    options: stored(row.options) as unknown as CallOptions,
    codeHash: row.code_hash,
  };
}
