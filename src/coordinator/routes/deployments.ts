import { z } from "@hono/zod-openapi";
import type { DeploymentDetail, DeploymentSummary } from "../../client/api.ts";
import type { CallOptions } from "../../core/call.ts";
import { GodwitError } from "../../core/errors.ts";
import { DEFAULT_DOMAIN, DEFAULT_PROJECT } from "../../core/place.ts";
import { type DeploymentRow, readDeployment, type TaskRow } from "../../store/deployments.ts";
import { type DeploymentPosition, listDeployments, readTasks } from "../../store/list-tasks.ts";
import { canSee, projectFor } from "../auth/caller.ts";
import { requireBundle } from "../bundle-store.ts";
import { pageOf, readCursor } from "../cursor.ts";
import { deployRelease } from "../deploy.ts";
import type { App } from "../parts.ts";
import * as schemas from "../schemas/deployment.ts";
import { jsonContent, listOfItems, pageQuery, placeQuery } from "../schemas/shared.ts";
import { blobsOf } from "../signed-blobs.ts";
import { stored } from "../views/json.ts";
import { publicRoute } from "./public-route.ts";

const params = z.object({ id: schemas.deploymentId });

const deploy = publicRoute("tasks:deploy", {
  method: "post",
  path: "/v1/deployments",
  summary: "Deploy environments together, all or none; twice is a no-op",
  tags: ["deployments"],
  request: { body: { content: jsonContent(schemas.deployBody), required: true } },
  responses: {
    200: {
      description: "All of them were there already, or a dry run",
      content: jsonContent(schemas.deployReply),
    },
    201: { description: "They are deployed", content: jsonContent(schemas.deployReply) },
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
  summary: "List the deployments of a project and domain, the one deployed last first",
  tags: ["deployments"],
  request: {
    query: z.object({
      ...pageQuery,
      ...placeQuery,
      environment: z.string().optional(),
    }),
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
  app.openapi(deploy, async (c) => {
    const { parts, caller } = c.var;
    const {
      environments,
      version,
      source = {},
      dryRun = false,
      activate = true,
      ...place
    } = c.req.valid("json");
    const project = projectFor(caller, place.project) ?? DEFAULT_PROJECT;
    const domain = place.domain ?? DEFAULT_DOMAIN;
    if (!dryRun) {
      const blobs = blobsOf(parts);
      for (const bundle of new Set(environments.map((environment) => environment.bundle)))
        await requireBundle(blobs, bundle);
    }
    const release = { project, domain, version, environments };
    const deployments = await deployRelease(parts.core, release, { source, dryRun, activate });
    const isNew = !dryRun && deployments.some((deployment) => deployment.isNew);
    return c.json({ project, domain, deployments }, isNew ? 201 : 200);
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
    const { limit = 50, cursor, project, domain = DEFAULT_DOMAIN, environment } = c.req.valid("query");
    const at = { project: projectFor(c.var.caller, project) ?? DEFAULT_PROJECT, domain, environment };
    const key = ["deployments", at];
    const page = { after: readCursor<DeploymentPosition>(key, cursor), limit: limit + 1 };
    const rows = await c.var.parts.core.driver.read((sql) => listDeployments(sql, at, page));
    const position = (row: DeploymentRow): DeploymentPosition => [row.activated_ms, row.id];
    return c.json(pageOf(rows, { limit, list: key, position }, summaryOf), 200);
  });
}

function summaryOf(row: DeploymentRow): DeploymentSummary {
  const { id, project, domain, environment, version, bundle, created_ms, activated_ms } = row;
  const times = { createdMs: created_ms, activatedMs: activated_ms || null };
  return { id, project, domain, environment, version, bundle, ...times };
}

function detailOf(row: DeploymentRow, tasks: readonly TaskRow[]): DeploymentDetail {
  const { description = null, env = {} } = stored(row.settings) as Partial<DeploymentDetail>;
  return {
    ...summaryOf(row),
    description,
    env,
    dependsOn: stored(row.depends_on) as Record<string, string>,
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
