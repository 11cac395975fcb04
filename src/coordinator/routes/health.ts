import { createRoute, z } from "@hono/zod-openapi";
import { GodwitError } from "../../core/errors.ts";
import type { App } from "../parts.ts";
import { jsonContent } from "../schemas/shared.ts";

const state = z.object({ status: z.literal("ok") });

const healthz = createRoute({
  method: "get",
  path: "/healthz",
  summary: "Whether the process answers",
  tags: ["health"],
  security: [],
  responses: { 200: { description: "It does", content: jsonContent(state) } },
});

const readyz = createRoute({
  method: "get",
  path: "/readyz",
  summary: "Whether the store answers too",
  tags: ["health"],
  security: [],
  responses: {
    200: { description: "It does", content: jsonContent(state) },
    503: { $ref: "#/components/responses/Problem" },
  },
});

/** What load balancers ask. */
export function addHealth(app: App): void {
  app.openapi(healthz, (c) => c.json({ status: "ok" as const }, 200));

  app.openapi(readyz, async (c) => {
    await c.var.parts.core.driver
      .read((sql) => sql.all("SELECT 1 AS one"))
      .catch((cause: unknown) =>
        Promise.reject(new GodwitError("STORE_UNAVAILABLE", "no answer", { cause })),
      );
    return c.json({ status: "ok" as const }, 200);
  });
}
