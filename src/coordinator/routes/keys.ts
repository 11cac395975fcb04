import { z } from "@hono/zod-openapi";
import type { CreatedKey, KeyView } from "../../client/api.ts";
import { GodwitError } from "../../core/errors.ts";
import {
  type ApiKeyPosition,
  type ApiKeyRow,
  listApiKeys,
  readApiKey,
  revokeApiKey,
} from "../../store/api-keys.ts";
import type { Scope } from "../auth/api-key.ts";
import { createApiKey } from "../auth/api-keys.ts";
import { projectFor } from "../auth/caller.ts";
import { pageOf, readCursor } from "../cursor.ts";
import type { App } from "../parts.ts";
import { invalidRequest } from "../problem.ts";
import { createdKey, keyBody, keyView } from "../schemas/key.ts";
import { jsonContent, listOfItems, pageQuery, placeName } from "../schemas/shared.ts";
import { publicRoute } from "./public-route.ts";

const create = publicRoute("admin", {
  method: "post",
  path: "/v1/keys",
  summary: "Make an API key; its secret is in this reply and nowhere else",
  description:
    "Sent again with the same `Idempotency-Key`, the same key gets another secret: the reply before is stored nowhere.",
  tags: ["keys"],
  request: { body: { content: jsonContent(keyBody), required: true } },
  responses: { 201: { description: "The key", content: jsonContent(createdKey) } },
});

const list = publicRoute("admin", {
  method: "get",
  path: "/v1/keys",
  summary: "List API keys, oldest first, without their secrets",
  tags: ["keys"],
  request: { query: z.object({ ...pageQuery, project: placeName.optional() }) },
  responses: { 200: { description: "A page of keys", content: jsonContent(listOfItems(keyView)) } },
});

const remove = publicRoute("admin", {
  method: "delete",
  path: "/v1/keys/{id}",
  summary: "Revoke an API key",
  tags: ["keys"],
  request: { params: z.object({ id: z.string().max(64) }) },
  responses: { 204: { description: "It is good for nothing any more" } },
});

/** Making, listing and revoking API keys. */
export function addKeys(app: App): void {
  app.openapi(create, async (c) => {
    const { core } = c.var.parts;
    const { project: asked, ...wanted } = c.req.valid("json");
    const project = projectFor(c.var.caller, asked);
    if (wanted.expiresMs !== undefined && wanted.expiresMs <= core.clock.now()) {
      throw invalidRequest("`expiresMs` is in the past");
    }
    const { key, row } = await createApiKey(core, {
      ...wanted,
      ...(project !== null && { project }),
      ...(c.var.runId !== undefined && { request: `${c.var.caller.id} ${c.var.runId}` }),
    });
    const body: CreatedKey = { ...viewOf(row), key };
    c.header("Cache-Control", "no-store");
    return c.json(body, 201 as 200);
  });

  app.openapi(list, async (c) => {
    const { limit = 50, cursor, project: asked } = c.req.valid("query");
    const project = projectFor(c.var.caller, asked);
    const key = ["keys", project];
    const page = { after: readCursor<ApiKeyPosition>(key, cursor), limit: limit + 1 };
    const rows = await c.var.parts.core.driver.read((sql) => listApiKeys(sql, project, page));
    const position = (row: ApiKeyRow): ApiKeyPosition => [row.created_ms, row.id];
    return c.json(pageOf(rows, { limit, list: key, position }, viewOf), 200);
  });

  app.openapi(remove, async (c) => {
    const { driver, clock } = c.var.parts.core;
    const { id } = c.req.valid("param");
    await driver.transaction(async (sql) => {
      const row = await readApiKey(sql, id);
      const { project } = c.var.caller;
      // A key for all projects is not one of any project's administrator.
      const isHidden = row === undefined || (project !== null && row.project !== project);
      if (isHidden) throw new GodwitError("NOT_FOUND", `there is no API key "${id}"`);
      await revokeApiKey(sql, id, clock.now());
    });
    return c.body(null, 204);
  });
}

function viewOf(row: ApiKeyRow): KeyView {
  return {
    id: row.id,
    name: row.name,
    scopes: JSON.parse(row.scopes) as Scope[],
    project: row.project,
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
    lastUsedMs: row.last_used_ms,
    revokedMs: row.revoked_ms,
  };
}
