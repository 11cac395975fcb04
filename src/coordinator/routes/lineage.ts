import { z } from "@hono/zod-openapi";
import type { EdgeView } from "../../client/api.ts";
import { type EdgePosition, type EdgeRow, listEdges } from "../../store/edges.ts";
import { readVisibleRun } from "../auth/caller.ts";
import { pageOf, readCursor } from "../cursor.ts";
import type { App } from "../parts.ts";
import { edge } from "../schemas/lineage.ts";
import { jsonContent, listOfItems, pageQuery, runParams } from "../schemas/shared.ts";
import { publicRoute } from "./public-route.ts";

const list = publicRoute("runs:read", {
  method: "get",
  path: "/v1/runs/{run}/lineage",
  summary: "List the files and folders that the actions of a run took and gave, and who had made them",
  tags: ["actions"],
  request: { params: runParams, query: z.object({ ...pageQuery, action: z.string().max(64).optional() }) },
  responses: { 200: { description: "A page of edges", content: jsonContent(listOfItems(edge)) } },
});

/** Reading the lineage of a run. */
export function addLineage(app: App): void {
  app.openapi(list, async (c) => {
    const { core } = c.var.parts;
    const { limit = 50, cursor, action = null } = c.req.valid("query");
    const { id: runId } = await readVisibleRun(core, c.var.caller, c.req.valid("param").run);
    const filter = { runId, action };
    const key = ["lineage", filter];
    const page = { after: readCursor<EdgePosition>(key, cursor), limit: limit + 1 };
    const rows = await core.driver.read((sql) => listEdges(sql, filter, page));
    return c.json(pageOf(rows, { limit, list: key, position }, view), 200);
  });
}

function position({ action_id, direction, nth }: EdgeRow): EdgePosition {
  return [action_id, direction, nth];
}

function view(row: EdgeRow): EdgeView {
  const { direction, kind, uri, sha256, name, producer_run: run, producer_action: by } = row;
  const producer = run === null || by === null ? null : { run, action: by };
  const { action_id: action, size_bytes: sizeBytes, at_ms: atMs } = row;
  return { action, direction, kind, uri, sha256, sizeBytes, name, producer, atMs };
}
