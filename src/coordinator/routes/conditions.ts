import { z } from "@hono/zod-openapi";
import type { ConditionView } from "../../client/api.ts";
import type { Json } from "../../core/error-record.ts";
import { signal } from "../../engine/signal.ts";
import { findCondition } from "../../store/conditions.ts";
import {
  type ConditionPosition,
  listOpenConditions,
  type OpenCondition,
} from "../../store/list-conditions.ts";
import { projectFor, readVisibleRun } from "../auth/caller.ts";
import { pageOf, readCursor } from "../cursor.ts";
import type { App } from "../parts.ts";
import { checkAgainst } from "../schema-check.ts";
import * as schemas from "../schemas/action.ts";
import { jsonContent, listOfItems, pageQuery, placeQuery } from "../schemas/shared.ts";
import { encodeGiven } from "../start-run.ts";
import { stored } from "../views/json.ts";
import { publicRoute } from "./public-route.ts";

const list = publicRoute("runs:read", {
  method: "get",
  path: "/v1/conditions",
  summary: "List conditions that wait for an answer, oldest first",
  tags: ["conditions"],
  request: {
    query: z.object({
      ...pageQuery,
      ...placeQuery,
      run: z.string().optional(),
    }),
  },
  responses: {
    200: { description: "A page of conditions", content: jsonContent(listOfItems(schemas.condition)) },
  },
});

const answer = publicRoute("runs:write", {
  method: "post",
  path: "/v1/runs/{run}/conditions/{name}/signal",
  summary: "Answer a condition",
  description:
    "`name` is its name or the id of its action. The same answer again is fine, another one is a conflict.",
  tags: ["conditions"],
  request: {
    params: z.object({ run: z.string().max(64), name: z.string().max(256) }),
    body: { content: jsonContent(schemas.signalBody), required: true },
  },
  responses: { 200: { description: "It is answered", content: jsonContent(schemas.signalled) } },
});

/** Listing and answering conditions. */
export function addConditions(app: App): void {
  app.openapi(list, async (c) => {
    const { limit = 50, cursor, project, domain = null, run: runId = null } = c.req.valid("query");
    const filter = { project: projectFor(c.var.caller, project), domain, runId };
    const key = ["conditions", filter];
    const page = { after: readCursor<ConditionPosition>(key, cursor), limit: limit + 1 };
    const rows = await c.var.parts.core.driver.read((sql) => listOpenConditions(sql, filter, page));
    const position = (row: OpenCondition): ConditionPosition => [row.created_ms, row.run_id, row.action_id];
    return c.json(pageOf(rows, { limit, list: key, position }, conditionView), 200);
  });

  app.openapi(answer, async (c) => {
    const { core } = c.var.parts;
    const { run, name } = c.req.valid("param");
    const { value, by = c.var.caller.name } = c.req.valid("json");
    await readVisibleRun(core, c.var.caller, run);
    const encoded = encodeGiven(value as Json | undefined);
    const found = await core.driver.read((sql) => findCondition(sql, run, name));
    checkAgainst(found?.schema_json ?? null, value as Json | undefined, { of: name, kind: "answer" });
    const action = await signal(core, { run, condition: name, answer: encoded, ...(by !== null && { by }) });
    return c.json({ run, action }, 200);
  });
}

function conditionView(row: OpenCondition): ConditionView {
  return {
    run: row.run_id,
    action: row.action_id,
    project: row.project,
    domain: row.domain,
    name: row.name,
    prompt: row.prompt,
    schema: row.schema_json === null ? null : stored(row.schema_json),
    createdMs: row.created_ms,
    dueMs: row.due_ms,
  };
}
