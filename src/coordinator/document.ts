import type { App } from "./parts.ts";

const DESCRIPTION =
  "Starts, follows and ends durable runs. Times are epoch milliseconds. A value is tagged JSON: everything JSON has " +
  'looks as usual, and the rest is an object with one key that starts with `$`, such as `{"$date": "…"}`. Errors are ' +
  "`application/problem+json` with a stable `code`. Lists are paged with `limit` and `cursor`.";

/** Serves the OpenAPI document of the public routes. */
export function addDocument(app: App, version: string): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "gw_live_<id>_<secret>",
    description: "An API key. Not needed on a server that only its own machine can reach.",
  });
  app.openAPIRegistry.registerComponent("responses", "Problem", {
    description: "What went wrong",
    content: { "application/problem+json": { schema: problemSchema() } },
  });
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: { title: "Godwit", version, description: DESCRIPTION, license: { name: "Apache-2.0" } },
    servers: [{ url: "/" }],
  });
}

const text = { type: "string" } as const;

function problemSchema(): Record<string, unknown> {
  return {
    type: "object",
    required: ["type", "title", "status", "detail", "instance", "code", "hint", "requestId"],
    properties: {
      type: { ...text, description: "Where the error is explained" },
      title: text,
      status: { type: "integer" },
      detail: text,
      instance: { ...text, description: "The path of the request" },
      code: { ...text, description: "Stable name of the error" },
      hint: { ...text, description: "What to do next" },
      requestId: text,
      errors: { type: "array", description: "Each field that is wrong", items: FAULT },
    },
  };
}

const FAULT = {
  type: "object",
  required: ["pointer", "message"],
  properties: { pointer: { ...text, description: "JSON Pointer" }, message: text },
};
