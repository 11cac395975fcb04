import { z } from "@hono/zod-openapi";
import type { CacheEntryView } from "../../client/api.ts";
import { GodwitError } from "../../core/errors.ts";
import { type CacheEntryRow, deleteCacheEntry, listCache, readCacheEntry } from "../../store/list-cache.ts";
import { canSee, projectFor } from "../auth/caller.ts";
import { pageOf, readCursor } from "../cursor.ts";
import type { App } from "../parts.ts";
import { cacheEntry } from "../schemas/deployment.ts";
import { jsonContent, listOfItems, pageQuery, placeQuery } from "../schemas/shared.ts";
import { publicRoute } from "./public-route.ts";

const list = publicRoute("runs:read", {
  method: "get",
  path: "/v1/cache",
  summary: "List cached results, without their values",
  tags: ["cache"],
  request: {
    query: z.object({
      ...pageQuery,
      ...placeQuery,
      task: z.string().optional(),
    }),
  },
  responses: { 200: { description: "A page of entries", content: jsonContent(listOfItems(cacheEntry)) } },
});

const remove = publicRoute("runs:write", {
  method: "delete",
  path: "/v1/cache/{key}",
  summary: "Forget a cached result",
  tags: ["cache"],
  request: { params: z.object({ key: z.string().max(128) }) },
  responses: { 204: { description: "It is gone" } },
});

/** Reading and clearing the cache. */
export function addCache(app: App): void {
  app.openapi(list, async (c) => {
    const { limit = 50, cursor, project, domain = null, task = null } = c.req.valid("query");
    const filter = { project: projectFor(c.var.caller, project), domain, task };
    const key = ["cache", filter];
    const page = { after: readCursor<string>(key, cursor), limit: limit + 1 };
    const rows = await c.var.parts.core.driver.read((sql) => listCache(sql, filter, page));
    return c.json(pageOf(rows, { limit, list: key, position: (row) => row.key }, entryView), 200);
  });

  app.openapi(remove, async (c) => {
    const { key } = c.req.valid("param");
    await c.var.parts.core.driver.transaction(async (sql) => {
      const row = await readCacheEntry(sql, key);
      const isHidden = row === undefined || !canSee(c.var.caller, row.project);
      if (isHidden) throw new GodwitError("NOT_FOUND", `the cache has no entry "${key}"`);
      await deleteCacheEntry(sql, key);
    });
    return c.body(null, 204);
  });
}

function entryView({
  key,
  project,
  domain,
  task,
  run_id,
  action_id,
  created_ms,
}: CacheEntryRow): CacheEntryView {
  return { key, project, domain, task, run: run_id, action: action_id, createdMs: created_ms };
}
