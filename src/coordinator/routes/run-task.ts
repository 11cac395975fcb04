import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Json } from "../../core/error-record.ts";
import type { App, CoordinatorEnv } from "../parts.ts";
import { invalidRequest } from "../problem.ts";
import { resolveTask } from "../resolve-task.ts";
import { startedRun } from "../schemas/run.ts";
import { jsonContent, placeQuery, repeated, wait } from "../schemas/shared.ts";
import { encodeInput, startOf, startOnce } from "../start-run.ts";
import { answerStarted } from "../started-run.ts";
import { publicRoute } from "./public-route.ts";

/** Labels as `key:value`; a value may hold anything, commas and colons too. */
const label = repeated(z.string().regex(/^[^:]{1,128}:.{0,1024}$/s, "must be `key:value`"), 64);

const run = publicRoute(
  "runs:write",
  {
    method: "post",
    path: "/v1/tasks/{task}/run",
    summary: "Run a task: the body is its input, the reply has its outcome if it ended within the wait",
    tags: ["tasks"],
    request: {
      params: z.object({ task: z.string().max(256) }),
      query: z.object({
        wait,
        version: z.string().min(1).max(256).optional(),
        name: z.string().min(1).max(256).optional(),
        label,
        priority: z.coerce.number().int().optional(),
        ...placeQuery,
      }),
    },
    requestBody: {
      description: "The input itself, as tagged JSON. No body: the task takes nothing.",
      content: { "application/json": { schema: {}, example: { x: 1 } } },
    },
    responses: {
      200: { description: "It ended within the wait; see `outcome`", content: jsonContent(startedRun) },
      202: {
        description: "It was started and goes on; `Location` tells where to look, `Retry-After` when",
        content: jsonContent(startedRun),
      },
    },
  },
  { isOpenToTasks: true },
);

/** Running a task by its name. */
export function addRunTask(app: App): void {
  app.openapi(run, async (c) => {
    const { core } = c.var.parts;
    const { caller, runId } = c.var;
    const { wait: waitMs, name, label: labels, priority, ...ref } = c.req.valid("query");
    const input = await inputOf(c);
    const task = await resolveTask(core, caller, { task: c.req.valid("param").task, ...ref });
    const id = await startOnce(core, runId, {
      ...startOf(task),
      input: encodeInput(input, task),
      labels: { ...(name !== undefined && { name }), ...Object.fromEntries(labels.map(pairOf)) },
      ...(priority !== undefined && { priority }),
      ...(caller.name !== null && { createdBy: caller.name }),
    });
    return answerStarted(c, id, waitMs);
  });
}

function pairOf(text: string): [string, string] {
  const colon = text.indexOf(":");
  return [text.slice(0, colon), text.slice(colon + 1)];
}

/** The body as it is; undefined when there is none. */
async function inputOf(c: Context<CoordinatorEnv>): Promise<Json | undefined> {
  const text = await c.req.text();
  if (text === "") return undefined;
  const type = c.req.header("Content-Type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw invalidRequest(`the body must come with \`Content-Type: application/json\`, not "${type}"`);
  }
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw invalidRequest(`the body is not JSON: ${(error as Error).message}`);
  }
}
