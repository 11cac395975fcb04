import { z } from "@hono/zod-openapi";
import type { DeploymentBody, DeploymentDetail, DeploymentSummary } from "../../client/api.ts";
import type { CallOptions } from "../../core/call.ts";
import { GodwitError } from "../../core/errors.ts";
import {
  type DeploymentRow,
  insertDeployment,
  readDeployment,
  type TaskRow,
} from "../../store/deployments.ts";
import { type DeploymentPosition, listDeployments, readTasks } from "../../store/list-tasks.ts";
import { type Caller, canSee, projectFor } from "../auth/caller.ts";
import { pageOf, readCursor } from "../cursor.ts";
import type { App } from "../parts.ts";
import * as schemas from "../schemas/deployment.ts";
import { jsonContent, listOfItems, pageQuery } from "../schemas/shared.ts";
import { DEFAULT_DOMAIN, DEFAULT_PROJECT } from "../start-run.ts";
import { stored } from "../views/json.ts";
import { publicRoute } from "./public-route.ts";

const params = z.object({ id: schemas.deploymentId });

const put = publicRoute("tasks:deploy", {
  method: "put",
  path: "/v1/deployments/{id}",
  summary: "Register a deployment under the hash of its content; twice is a no-op",
  tags: ["deployments"],
  request: { params, body: { content: jsonContent(schemas.deploymentBody), required: true } },
  responses: {
    200: { description: "It was there already", content: jsonContent(schemas.deploymentDetail) },
    201: { description: "It is registered", content: jsonContent(schemas.deploymentDetail) },
  },
});

const get = publicRoute("runs:read", {
  method: "get",
  path: "/v1/deployments/{id}",
  summary: "Get a deployment with its tasks",
  tags: ["deployments"],
  request: { params },
  responses: { 200: { description: "The deployment", content: jsonContent(schemas.deploymentDetail) } },
});

const list = publicRoute("runs:read", {
  method: "get",
  path: "/v1/deployments",
  summary: "List the deployments of a project and domain, newest first",
  tags: ["deployments"],
  request: {
    query: z.object({ ...pageQuery, project: z.string().optional(), domain: z.string().optional() }),
  },
  responses: {
    200: {
      description: "A page of deployments",
      content: jsonContent(listOfItems(schemas.deploymentSummary)),
    },
  },
});

/** Registering and reading deployments. */
export function addDeployments(app: App): void {
  app.openapi(put, async (c) => {
    const { driver, clock } = c.var.parts.core;
    const { id } = c.req.valid("param");
    const body = c.req.valid("json");
    const project = projectFor(c.var.caller, body.project) ?? DEFAULT_PROJECT;
    const row = deploymentRow(id, { ...body, project }, clock.now());
    const { detail, isNew } = await driver.transaction(async (sql) => {
      const found = await readDeployment(sql, id);
      if (found !== undefined) checkSamePlace(c.var.caller, found, row);
      else await insertDeployment(sql, row, taskRows(id, body));
      return { detail: detailOf(found ?? row, await readTasks(sql, id)), isNew: found === undefined };
    });
    return c.json(detail, isNew ? 201 : 200);
  });

  app.openapi(get, async (c) => {
    const { id } = c.req.valid("param");
    const body = await c.var.parts.core.driver.read(async (sql) => {
      const row = await readDeployment(sql, id);
      const isHidden = row === undefined || !canSee(c.var.caller, row.project);
      if (isHidden) throw new GodwitError("DEPLOYMENT_NOT_FOUND", `no deployment "${id}"`);
      return detailOf(row, await readTasks(sql, id));
    });
    return c.json(body, 200);
  });

  app.openapi(list, async (c) => {
    const { limit = 50, cursor, project, domain = DEFAULT_DOMAIN } = c.req.valid("query");
    const at = { project: projectFor(c.var.caller, project) ?? DEFAULT_PROJECT, domain };
    const key = ["deployments", at];
    const page = { after: readCursor<DeploymentPosition>(key, cursor), limit: limit + 1 };
    const rows = await c.var.parts.core.driver.read((sql) => listDeployments(sql, at, page));
    const position = (row: DeploymentRow): DeploymentPosition => [row.created_ms, row.id];
    return c.json(pageOf(rows, { limit, list: key, position }, summaryOf), 200);
  });
}

function deploymentRow(id: string, body: DeploymentBody & { project: string }, nowMs: number): DeploymentRow {
  return {
    id,
    project: body.project,
    domain: body.domain ?? DEFAULT_DOMAIN,
    version: body.version ?? id,
    source: JSON.stringify(body.source ?? {}),
    created_ms: nowMs,
  };
}

function taskRows(deployment: string, { tasks }: DeploymentBody): TaskRow[] {
  return tasks.map(
    ({ name, description = null, inputSchema = null, outputSchema = null, options, codeHash = null }) => ({
      deployment,
      name,
      description,
      input_schema: inputSchema === null ? null : JSON.stringify(inputSchema),
      output_schema: outputSchema === null ? null : JSON.stringify(outputSchema),
      options: JSON.stringify(options ?? {}),
      code_hash: codeHash,
    }),
  );
}

/** What is registered stays what it is: an id belongs to the project and domain that registered it. */
function checkSamePlace(caller: Caller, found: DeploymentRow, wanted: DeploymentRow): void {
  if (found.project === wanted.project && found.domain === wanted.domain) return;
  const where = canSee(caller, found.project) ? `to ${found.project}/${found.domain}` : "to another project";
  throw new GodwitError("FORBIDDEN", `the deployment "${found.id}" belongs ${where}`, {
    hint: "Put the project and domain into what is hashed, so that each has deployments of its own.",
  });
}

function summaryOf({
  id,
  project,
  domain,
  version,
  created_ms: createdMs,
}: DeploymentRow): DeploymentSummary {
  return { id, project, domain, version, createdMs };
}

function detailOf(row: DeploymentRow, tasks: readonly TaskRow[]): DeploymentDetail {
  return {
    ...summaryOf(row),
    source: stored(row.source),
    tasks: tasks.map((task) => ({
      name: task.name,
      description: task.description,
      inputSchema: task.input_schema === null ? null : stored(task.input_schema),
      outputSchema: task.output_schema === null ? null : stored(task.output_schema),
      options: stored(task.options) as unknown as CallOptions,
      codeHash: task.code_hash,
    })),
  };
}
